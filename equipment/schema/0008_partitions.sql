-- The worker owns no table, so it asks here for the partition of a time-partitioned one.
create function equipment.make_partition(parent regclass, starts timestamptz, ends timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    space name;
    family name;
begin
    select n.nspname, c.relname into strict space, family
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent and c.relkind = 'p';
    execute format('create table if not exists %I.%I partition of %s for values from (%L) to (%L)',
        space, family || '_' || to_char(starts at time zone 'UTC', 'YYYYMMDD'), parent, starts, ends);
end $$;
revoke all on function equipment.make_partition(regclass, timestamptz, timestamptz) from public;
grant execute on function equipment.make_partition(regclass, timestamptz, timestamptz) to teshe_system;
