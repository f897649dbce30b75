-- 充装单位: organisations that fill gas cylinders, their licences and their insurance.
-- The list of kinds grows by one; it is extended as it stands, so that other extensions keep theirs.
do $$
declare definition text;
begin
    select pg_get_constraintdef(oid) into strict definition from pg_constraint
    where conrelid = 'equipment.organisation'::regclass and conname = 'organisation_kind_check';
    if position('''filling_station''' in definition) = 0 then
        alter table equipment.organisation drop constraint organisation_kind_check;
        execute 'alter table equipment.organisation add constraint organisation_kind_check '
            || replace(definition, 'ARRAY[', 'ARRAY[''filling_station''::text, ');
    end if;
end $$;

create table equipment.filling_station (
    organisation_id bigint primary key references equipment.organisation,
    registered_at timestamptz not null
);

-- 充装许可: which media, and between which days. A renewal is a new row, so that a late fill is judged by its own day.
create table equipment.filling_licence (
    id bigint generated always as identity primary key,
    station_id bigint not null references equipment.filling_station,
    licence_no text not null,
    media text[] not null check (cardinality(media) > 0),
    valid_from date not null,
    valid_to date not null,
    revoked_on date,                  -- first day on which it is no longer valid (吊销, 注销)
    recorded_at timestamptz not null,
    check (valid_to >= valid_from)
);
create index filling_licence_by_station on equipment.filling_licence (station_id, valid_to);

-- 气瓶充装责任保险 of a station, for all its cylinders.
create table equipment.filling_policy (
    id bigint generated always as identity primary key,
    station_id bigint not null references equipment.filling_station,
    policy_no text not null,
    insurer text not null,
    limit_yuan numeric(14, 2) check (limit_yuan > 0),
    valid_from date not null,
    valid_to date not null,
    recorded_at timestamptz not null,
    unique (insurer, policy_no),
    check (valid_to >= valid_from)
);
create index filling_policy_by_station on equipment.filling_policy (station_id, valid_to);

-- The stations the transaction's scope reaches; every other rule about cylinders asks this.
create function equipment.stations_in_scope() returns bigint[]
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select coalesce(array_agg(s.organisation_id), '{}')
    from equipment.filling_station s
    join equipment.organisation o on o.id = s.organisation_id
    join equipment.jurisdiction j on j.id = o.jurisdiction_id
    where current_setting('role') <> 'teshe_scoped'
       or (equipment.scope_kind() = 'jurisdiction' and starts_with(j.path, equipment.scope_path()))
       or (equipment.scope_kind() = 'use_unit' and s.organisation_id = equipment.scope_organisation())
$$;
revoke all on function equipment.stations_in_scope() from public;
grant execute on function equipment.stations_in_scope() to teshe_scoped, teshe_system;

call equipment.protect('equipment.filling_station', $$
    (equipment.scope_kind() = 'use_unit' and organisation_id = equipment.scope_organisation())
    or (equipment.scope_kind() = 'jurisdiction' and exists (
        select 1 from equipment.organisation o join equipment.jurisdiction j on j.id = o.jurisdiction_id
        where o.id = organisation_id and starts_with(j.path, equipment.scope_path())))
$$, 'select, insert');
call equipment.protect('equipment.filling_licence', 'station_id = any ((select equipment.stations_in_scope())::bigint[])',
    'select, insert, update (revoked_on)');
call equipment.protect('equipment.filling_policy', 'station_id = any ((select equipment.stations_in_scope())::bigint[])',
    'select, insert');
-- Licences are the authority's word; a policy may be entered by the station itself.
create policy licensers_insert on equipment.filling_station as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy licensers_insert on equipment.filling_licence as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy licensers_update on equipment.filling_licence as restrictive for update to teshe_scoped
    using (equipment.scope_role() in ('inspector', 'regulator'));
create policy insurers_insert on equipment.filling_policy as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('use_unit_director', 'inspector', 'regulator'));
