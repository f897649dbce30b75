-- Numbers of incidents run through the whole city, also for a caller who sees one district of it.
-- The caller's transaction holds the day until it ends.
create function alarms.next_incident_number(day text) returns text
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare serial integer;
begin
    perform pg_advisory_xact_lock(hashtextextended('incident-number:' || day, 0));
    select coalesce(max(split_part(number, '-', 2)::integer), 0) + 1 into serial
    from alarms.incident where starts_with(number, day || '-');
    return format('%s-%s', day, lpad(serial::text, greatest(4, length(serial::text)), '0'));
end $$;
revoke all on function alarms.next_incident_number(text) from public;
grant execute on function alarms.next_incident_number(text) to teshe_scoped, teshe_system;
create index incident_by_unit on alarms.incident (unit_no, opened_at desc);
