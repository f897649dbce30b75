-- 报警人号码 lies in tables that nobody may change. These let the number go, and nothing else, once it is old enough to be
-- let go at all: the shortest period that may be approved stands here too.
create function alarms.call_out_stays() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.role = 'caller' and old.at < now() - interval '365 days' and new.phone = '' and new.name = ''
       and (to_jsonb(new) - 'phone' - 'name') = (to_jsonb(old) - 'phone' - 'name') then
        return new;
    end if;
    raise exception 'table alarms.call_out is append-only: record a correction instead'
        using errcode = 'integrity_constraint_violation';
end $$;
drop trigger call_out_append_only on alarms.call_out;
create trigger call_out_append_only before update or delete on alarms.call_out
    for each row execute function alarms.call_out_stays();
create trigger call_out_no_truncate before truncate on alarms.call_out
    for each statement execute function equipment.refuse_change();

-- What the live feed said of the line.
create function dashboards.forget_callers_in_feed(p_before timestamptz, p_most integer) returns integer
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with changed as (
        update equipment.stream_entry e set payload = e.payload || '{"caller": null}'
        where (e.stream, e.seq) in (
            select stream, seq from equipment.stream_entry
            where stream = 'desk' and kind = 'line' and created_at < p_before and payload->>'caller' is not null
            order by seq limit p_most)
        returning 1
    )
    select count(*)::integer from changed
$$;
revoke all on function dashboards.forget_callers_in_feed(timestamptz, integer) from public;
grant execute on function dashboards.forget_callers_in_feed(timestamptz, integer) to teshe_system;

-- What the last look found of each class: the page may count nothing itself, for row security would hide most of it.
create table dashboards.retention_standing (
    class text primary key,
    over_time bigint not null,                 -- older than the period that held then
    counted_at timestamptz not null
);
call equipment.protect('dashboards.retention_standing', 'equipment.scope_role() in (''security_admin'', ''auditor'')');
