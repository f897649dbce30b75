-- Whoever sees the whole city was told that nothing is open: format() makes the word NULL of a district that is not asked for.
create or replace function maintenance.count_hazards(
    at timestamptz, out open bigint, out overdue bigint, out major bigint, out recheck bigint, out closed_month bigint
) stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set jit = off
language plpgsql as $$
declare
    district text := nullif(split_part(equipment.scope_path(), '/', 3), '');
    scoped text := case equipment.scope_kind()
        when 'jurisdiction' then format('starts_with(h.jurisdiction_path, %L)', equipment.scope_path())
            || case when district is null then '' else format(' and h.district = %L', district) end
        when 'firm' then format('h.firm_org_id = %L::bigint', equipment.scope_organisation())
        when 'use_unit' then format('h.use_org_id = %L::bigint', equipment.scope_organisation())
        else 'false' end;
begin
    execute format('select count(*), count(*) filter (where h.due_at < $1), count(*) filter (where h.grade = ''major''),
        count(*) filter (where h.state = ''recheck'')
        from maintenance.hazard h where h.state not in (''closed'', ''unsubstantiated'') and %s', scoped)
    into open, overdue, major, recheck using at;
    execute format('select count(*) from maintenance.hazard h
        where h.state = ''closed'' and h.closed_at > $1 - interval ''30 days'' and %s', scoped)
    into closed_month using at;
end $$;
