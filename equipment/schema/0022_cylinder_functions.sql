-- Partitions of the trace come with its rows; on hypertables there is nothing to do. 30 days, counted from 1970.
create function equipment.cylinder_partition(parent regclass, at timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    starts constant timestamptz := to_timestamp(floor(extract(epoch from at) / 2592000) * 2592000);
    family name;
    kind "char";
    wanted text;
begin
    select c.relname, c.relkind into strict family, kind from pg_class c where c.oid = parent;
    if kind <> 'p' or family not in ('cylinder_fill', 'cylinder_event') then
        return;
    end if;
    wanted := 'equipment.' || family || '_' || to_char(starts at time zone 'UTC', 'YYYYMMDD');
    if to_regclass(wanted) is null then
        perform pg_advisory_xact_lock(hashtextextended('partition:' || wanted, 0));
        perform equipment.make_partition(parent, starts, starts + interval '2592000 seconds');
    end if;
end $$;

-- Whether the caller may write for this station. The system may for each.
create function equipment.writes_for(station bigint) returns boolean
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select current_setting('role') <> 'teshe_scoped'
        or (equipment.scope_kind() = 'use_unit' and station = equipment.scope_organisation()
            and equipment.scope_role() in ('use_unit_director', 'use_unit_officer'))
        or (equipment.scope_role() = 'inspector' and station = any (equipment.stations_in_scope()))
$$;

create function equipment.keep_fills(entries jsonb) returns bigint
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    moment timestamptz;
    kept bigint;
begin
    if exists (select 1 from (select distinct (e ->> 'station_id')::bigint as station from jsonb_array_elements(entries) e) w
               where equipment.writes_for(w.station) is not true) then
        raise exception 'a fill is recorded by its own station' using errcode = 'insufficient_privilege';
    end if;
    for moment in select distinct to_timestamp(floor(extract(epoch from (e ->> 'filled_at')::timestamptz) / 2592000) * 2592000)
                  from jsonb_array_elements(entries) e loop
        perform equipment.cylinder_partition('equipment.cylinder_fill', moment);
    end loop;
    insert into equipment.cylinder_fill select * from jsonb_populate_recordset(null::equipment.cylinder_fill, entries);
    get diagnostics kept = row_count;
    return kept;
end $$;

-- Gives how many were new: an event that is sent again is the same event.
create function equipment.keep_cylinder_events(entries jsonb) returns bigint
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    moment timestamptz;
    kept bigint;
begin
    if exists (select 1 from (select distinct (e ->> 'station_id')::bigint as station from jsonb_array_elements(entries) e) w
               where equipment.writes_for(w.station) is not true) then
        raise exception 'an event is recorded by the cylinder''s own station or its inspector' using errcode = 'insufficient_privilege';
    end if;
    for moment in select distinct to_timestamp(floor(extract(epoch from (e ->> 'at')::timestamptz) / 2592000) * 2592000)
                  from jsonb_array_elements(entries) e loop
        perform equipment.cylinder_partition('equipment.cylinder_event', moment);
    end loop;
    insert into equipment.cylinder_event select * from jsonb_populate_recordset(null::equipment.cylinder_event, entries)
    on conflict do nothing;
    get diagnostics kept = row_count;
    return kept;
end $$;

-- What a station must know of the cylinder that stands before it, also when it is another station's. Own ones are locked.
create function equipment.cylinders_for_fill(codes text[])
returns table (no integer, station_id bigint, code text, variety_code text, medium text, make_date date, tare_kg real,
               max_fill_kg real, next_inspection date, scrap_date date, state text, last_fill_at timestamptz)
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
#variable_conflict use_column
declare reach constant bigint[] := equipment.stations_in_scope();
begin
    perform 1 from equipment.cylinder c
    where c.code = any (codes) and c.station_id = any (reach) order by c.no for no key update;
    return query select c.no, c.station_id, c.code, c.variety_code, c.medium, c.make_date, c.tare_kg, c.max_fill_kg,
                        c.next_inspection, c.scrap_date, c.state, c.last_fill_at
                 from equipment.cylinder c where c.code = any (codes);
end $$;

-- Functions that read the trace are PL/pgSQL, which keeps its plans: planning two years of partitions costs more than reading.
-- Newest first, of every station in scope; each station's newest are taken from its index.
create function equipment.recent_fills(since timestamptz, before timestamptz, below integer, how_many integer)
returns setof equipment.cylinder_fill
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
#variable_conflict use_column
begin
    return query
    select f.* from unnest(equipment.stations_in_scope()) s(id)
    cross join lateral (
        select * from equipment.cylinder_fill x
        where x.station_id = s.id and x.filled_at >= since and x.filled_at <= before
          and (x.filled_at, x.cylinder_no) < (before, below)
        order by x.filled_at desc, x.cylinder_no desc limit how_many
    ) f
    order by f.filled_at desc, f.cylinder_no desc limit how_many;
end $$;

create function equipment.fills_of_cylinder(cylinder integer, how_many integer)
returns setof equipment.cylinder_fill
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
#variable_conflict use_column
begin
    return query
    select f.* from equipment.cylinder_fill f
    where f.cylinder_no = cylinder and exists (
        select 1 from equipment.cylinder c where c.no = cylinder and c.station_id = any (equipment.stations_in_scope()))
    order by f.filled_at desc limit how_many;
end $$;

create function equipment.events_of_cylinder(cylinder integer, how_many integer)
returns setof equipment.cylinder_event
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
#variable_conflict use_column
begin
    return query
    select e.* from equipment.cylinder_event e
    where e.cylinder_no = cylinder and exists (
        select 1 from equipment.cylinder c where c.no = cylinder and c.station_id = any (equipment.stations_in_scope()))
    order by e.at desc, e.recorded_at desc limit how_many;
end $$;

-- Fills of one's own that are already there, by key.
create function equipment.known_fills(cylinders integer[], moments timestamptz[])
returns table (cylinder_no integer, filled_at timestamptz, content bytea)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select f.cylinder_no, f.filled_at, f.content
    from unnest(cylinders, moments) w(cylinder_no, filled_at)
    join equipment.cylinder_fill f on f.cylinder_no = w.cylinder_no and f.filled_at = w.filled_at
    where f.station_id = any ((select equipment.stations_in_scope())::bigint[])
$$;

-- 扫码公示: what anyone may read who scans a cylinder. No person, no address.
create function equipment.public_cylinder(wanted text, today date)
returns table (code text, variety_code text, medium text, state text, station text, filled_at timestamptz, net_kg real,
               passed boolean, next_inspection date, inspection_valid boolean, insured boolean, licensed boolean, make_date date, scrap_date date)
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
#variable_conflict use_column
declare
    c equipment.cylinder;
    f record;
begin
    select * into c from equipment.cylinder x where x.code = wanted;
    if not found then
        return;
    end if;
    -- by its whole key: one partition, one row
    select x.net_kg, x.passed into f from equipment.cylinder_fill x where x.cylinder_no = c.no and x.filled_at = c.last_fill_at;
    return query
    select c.code, c.variety_code, c.medium, c.state, o.name, c.last_fill_at, f.net_kg, f.passed, c.next_inspection,
           c.next_inspection >= today,
           exists (select 1 from equipment.filling_policy p
                   where p.station_id = c.station_id and today between p.valid_from and p.valid_to),
           exists (select 1 from equipment.filling_licence l
                   where l.station_id = c.station_id and today between l.valid_from and l.valid_to
                     and c.medium = any (l.media) and (l.revoked_on is null or l.revoked_on > today)),
           c.make_date, c.scrap_date
    from equipment.organisation o where o.id = c.station_id;
end $$;

-- 追溯覆盖: cylinders in scope, those with a code, and those of which every fill of the window left its whole trace.
create function equipment.cylinder_coverage(since timestamptz, until timestamptz)
returns table (cylinders integer, coded integer, traced integer)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    with untraced as (
        select f.cylinder_no from equipment.cylinder_fill f
        where f.filled_at >= since and f.filled_at < until and not f.traced
        union
        -- filled although it was refused: no record of a fill stands for it
        select r.cylinder_no from equipment.cylinder_refusal r
        where r.at >= since and r.at < until and r.stage = 'fill' and r.cylinder_no is not null
    )
    select count(*)::integer, count(c.code)::integer,
           (count(*) filter (where c.code is not null and u.cylinder_no is null))::integer
    from equipment.cylinder c
    left join untraced u on u.cylinder_no = c.no
    where c.registered_at < until and c.state not in ('scrapped', 'lost')
      and c.station_id = any ((select equipment.stations_in_scope())::bigint[])
$$;

-- 保存期 over: only the system may drop traces, and never younger than two years (DB4114/T 185-2023).
create function equipment.drop_cylinder_traces(cutoff timestamptz) returns integer
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    part record;
    dropped integer := 0;
    family text;
begin
    if cutoff > now() - interval '730 days' then
        raise exception 'traces are kept for two years at least' using errcode = 'invalid_parameter_value';
    end if;
    foreach family in array array['cylinder_fill', 'cylinder_event'] loop
        if (select relkind from pg_class where oid = ('equipment.' || family)::regclass) <> 'p' then
            for part in execute format('select public.drop_chunks(%L::regclass, older_than => %L::timestamptz)', 'equipment.' || family, cutoff) loop
                dropped := dropped + 1;
            end loop;
            continue;
        end if;
        for part in select c.relname, (to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') as starts
                    from pg_inherits i join pg_class c on c.oid = i.inhrelid
                    where i.inhparent = ('equipment.' || family)::regclass loop
            if part.starts + interval '2592000 seconds' <= cutoff then
                execute format('drop table equipment.%I', part.relname);
                dropped := dropped + 1;
            end if;
        end loop;
    end loop;
    return dropped;
end $$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('cylinder_partition', 'writes_for', 'keep_fills', 'keep_cylinder_events',
            'cylinders_for_fill', 'recent_fills', 'fills_of_cylinder', 'events_of_cylinder', 'known_fills', 'public_cylinder', 'cylinder_coverage',
            'drop_cylinder_traces')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_system', signature);
        if signature::text not like '%drop_cylinder_traces%' and signature::text not like '%cylinder_partition%' then
            execute format('grant execute on function %s to teshe_scoped', signature);
        end if;
    end loop;
end $$;
