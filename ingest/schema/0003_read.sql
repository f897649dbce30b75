-- Readings carry no row security (it would not combine with compression and aggregates), so nobody but the system role
-- may select them. Everybody else reads through these functions, which ask for the caller's scope first.

-- The predicate of the policy on equipment.unit, for definer functions, in which policies see the owner.
create function equipment.unit_in_scope(wanted integer) returns boolean
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select current_setting('role') = 'teshe_system' or exists (
        select 1 from equipment.unit u where u.no = wanted and (
            (equipment.scope_kind() = 'jurisdiction' and starts_with(u.jurisdiction_path, equipment.scope_path()))
            or (equipment.scope_kind() = 'firm' and u.firm_org_id = equipment.scope_organisation())
            or (equipment.scope_kind() = 'use_unit' and u.use_org_id = equipment.scope_organisation())
        )
    )
$$;

create function ingest.reading_table(kind text) returns regclass
stable set search_path = pg_catalog, pg_temp language sql as $$
    select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'ingest' and c.relname = 'reading_' || kind and c.relkind in ('r', 'p')
$$;

-- The newest rows of a unit, newest first; rows of an unusable clock lie under 1970-01-01 and are looked for as well.
create function ingest.recent_rows(kind text, wanted integer, most integer) returns setof jsonb
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare source regclass := ingest.reading_table(kind);
begin
    if source is null or not equipment.unit_in_scope(wanted) then return; end if;
    return query execute format(
        '(select to_jsonb(r) from %1$s r where unit_no = $1 and ts >= ''1970-01-02'' order by ts desc limit $2)'
        ' union all (select to_jsonb(r) from %1$s r where unit_no = $1 and ts < ''1970-01-02'' order by server_time desc limit 5)',
        source) using wanted, most;
end $$;

-- One signal over time, oldest first, thinned evenly to at most ``most`` points; the newest point always stays.
create function ingest.series(kind text, wanted integer, signal text, since timestamptz, until timestamptz, most integer)
returns table (at timestamptz, value jsonb)
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare source regclass := ingest.reading_table(kind);
begin
    if source is null or not equipment.unit_in_scope(wanted) then return; end if;
    return query execute format(
        'select at, value from (
             select server_time as at, to_jsonb(%1$I) as value,
                    row_number() over (order by ts desc) - 1 as back, count(*) over () as total
             from %2$s where unit_no = $1 and ts >= $2 and ts < $3 and %1$I is not null) p
         where back %% greatest(1, ceil(total::numeric / $4)::bigint) = 0 order by at',
        signal, source) using wanted, since, until, most;
end $$;

revoke all on function equipment.unit_in_scope(integer), ingest.recent_rows(text, integer, integer),
    ingest.series(text, integer, text, timestamptz, timestamptz, integer) from public;
grant execute on function equipment.unit_in_scope(integer), ingest.recent_rows(text, integer, integer),
    ingest.series(text, integer, text, timestamptz, timestamptz, integer), ingest.reading_table(text) to teshe_scoped, teshe_system;
