-- 有效期: what was true of a unit from which day to which. The period tables are the history; equipment.unit is their
-- projection of today, and equipment.unit_segment their product for questions about a day. All three change in one
-- transaction, whoever writes: a change of the unit opens a period (the triggers below), a change of a period corrects the
-- unit (equipment.amend). A correction never deletes: it marks what it replaces with superseded_at.
create extension if not exists btree_gist;

alter table equipment.jurisdiction add column no integer generated always as identity unique;
alter table equipment.unit
    add column owner_org_id bigint references equipment.organisation,
    add column maintenance_mode text check (maintenance_mode in ('traditional', 'on_demand'));
grant update (owner_org_id, maintenance_mode) on equipment.unit to teshe_scoped;

-- The predicate of the policy on equipment.unit, over the values of any day.
create function equipment.in_scope(path text, firm bigint, use_unit bigint) returns boolean
stable parallel safe language sql as $$
    select coalesce(case equipment.scope_kind()
        when 'jurisdiction' then starts_with(path, equipment.scope_path())
        when 'firm' then firm = equipment.scope_organisation()
        when 'use_unit' then use_unit = equipment.scope_organisation() end, false)
$$;

create function equipment.shanghai_day(at timestamptz) returns date immutable parallel safe language sql
    as $$ select (at at time zone 'Asia/Shanghai')::date $$;

create function equipment.only_superseded() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.superseded_at is null and new.superseded_at is not null
       and to_jsonb(new) - 'superseded_at' = to_jsonb(old) - 'superseded_at' then
        return new;
    end if;
    raise exception 'a period of %.% is corrected by a new one, never changed', tg_table_schema, tg_table_name
        using errcode = 'integrity_constraint_violation';
end $$;

create procedure equipment.make_period_table(attribute text, value_column text) language plpgsql as $$
declare target text := attribute || '_period';
begin
    execute format('create table equipment.%I (
        id bigint generated always as identity primary key,
        unit_no integer not null references equipment.unit,
        value %s,
        valid daterange not null check (not isempty(valid) and not lower_inf(valid)),
        recorded_at timestamptz not null,
        account_id bigint,
        reason text not null default '''',
        superseded_at timestamptz,
        constraint %I exclude using gist (unit_no with =, valid with &&) where (superseded_at is null))',
        target, value_column, target || '_overlap');
    execute format('create index on equipment.%I (unit_no)', target);
    execute format('create trigger %I before update or delete on equipment.%I for each row
        execute function equipment.only_superseded()', target || '_kept', target);
    call equipment.protect(format('equipment.%I', target)::regclass,
        'exists (select 1 from equipment.unit u where u.no = unit_no)', 'select');
end $$;

call equipment.make_period_table('status', $$text not null check (value in
    ('in_use', 'stopped', 'scrapped', 'cancelled', 'dismantled', 'moved_out', 'unregistered'))$$);
call equipment.make_period_table('jurisdiction', 'text not null references equipment.jurisdiction');
call equipment.make_period_table('owner', 'bigint not null references equipment.organisation');
call equipment.make_period_table('use_unit', 'bigint not null references equipment.organisation');
call equipment.make_period_table('firm', 'bigint not null references equipment.organisation');
-- number of the policy; empty: insured, number not recorded
call equipment.make_period_table('policy', 'text not null');
call equipment.make_period_table('mode', $$text not null check (value in ('traditional', 'on_demand'))$$);
call equipment.make_period_table('plate', $$text not null check (value ~ '^[0-9]{6}$')$$);
-- 总局令第74号 art. 71: the two are named for every lift
call equipment.make_period_table('director', 'bigint not null references equipment.person');
call equipment.make_period_table('officer', 'bigint not null references equipment.person');
alter table equipment.plate_period add constraint plate_period_city
    exclude using gist ((value::integer) with =, valid with &&) where (superseded_at is null);
alter table equipment.policy_period add constraint policy_period_ends check (not upper_inf(valid));

-- 保单 details beside its number; the days it covers stand in policy_period, per unit.
create table equipment.insurance_policy (
    number text primary key,
    insurer_org_id bigint references equipment.organisation,
    holder text,
    limit_per_person_yuan numeric(14, 2) check (limit_per_person_yuan > 0),
    limit_per_accident_yuan numeric(14, 2) check (limit_per_accident_yuan > 0),
    limit_total_yuan numeric(14, 2) check (limit_total_yuan > 0),
    recorded_at timestamptz not null
);
call equipment.protect('equipment.insurance_policy', 'equipment.scope_kind() is not null', 'select, insert, update');
create policy registrars_insert on equipment.insurance_policy as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy registrars_update on equipment.insurance_policy as restrictive for update to teshe_scoped
    using (equipment.scope_role() in ('inspector', 'regulator'));

-- The longest spans over which nothing that is counted changes.
create table equipment.unit_segment (
    unit_no integer not null references equipment.unit,
    valid_from date not null,
    valid_to date not null,            -- the first day that it no longer holds; infinity: holds
    kind text not null,
    area integer not null,             -- equipment.jurisdiction.no
    status text not null,
    insured boolean not null,
    plated boolean not null,
    firm_org_id bigint,
    use_org_id bigint,
    primary key (unit_no, valid_from),
    check (valid_from < valid_to)
);
create index segment_by_area on equipment.unit_segment (area, kind, status, insured, valid_from) include (valid_to);
create index segment_by_firm on equipment.unit_segment (firm_org_id, valid_from) where firm_org_id is not null;
create index segment_by_use_org on equipment.unit_segment (use_org_id, valid_from) where use_org_id is not null;
call equipment.protect('equipment.unit_segment', 'exists (select 1 from equipment.unit u where u.no = unit_no)', 'select');

-- 移交: a unit, and the work that is open on it, goes from one jurisdiction to another.
create table equipment.handover (
    id bigint generated always as identity primary key,
    unit_no integer not null references equipment.unit,
    from_id text not null references equipment.jurisdiction,
    to_id text not null references equipment.jurisdiction,
    at timestamptz not null,
    until date,                        -- a delegation ends by itself on this day
    reason text not null,
    account_id bigint,
    open_work jsonb,                   -- by value; null: not yet listed
    listed_at timestamptz,
    received_at timestamptz,
    received_by bigint
);
create index handover_by_unit on equipment.handover (unit_no, id);
create index handover_unlisted on equipment.handover (id) where open_work is null;
call equipment.protect('equipment.handover', $$equipment.scope_kind() = 'jurisdiction' and exists (
    select 1 from equipment.jurisdiction j where j.id in (from_id, to_id) and starts_with(j.path, equipment.scope_path()))$$,
    'select, update (received_at, received_by)');
create policy receivers on equipment.handover as restrictive for update to teshe_scoped using (
    equipment.scope_role() in ('inspector', 'regulator') and received_at is null and exists (
        select 1 from equipment.jurisdiction j where j.id = to_id and starts_with(j.path, equipment.scope_path())))
    with check (received_by = equipment.scope_account());

-- Segments of these units, anew.
create function equipment.rebuild_segments(units integer[]) returns void
security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
set enable_nestloop = on set jit = off language plpgsql as $$
begin
    -- many at once are an import into tables without statistics: there a nested loop would be quadratic
    if cardinality(units) > 100 then
        perform set_config('enable_nestloop', 'off', true);
    end if;
    delete from equipment.unit_segment s using unnest(units) as w(no) where s.unit_no = w.no;
    insert into equipment.unit_segment (unit_no, valid_from, valid_to, kind, area, status, insured, plated, firm_org_id, use_org_id)
    with wanted as materialized (select distinct no from unnest(units) as w(no)),
    status as materialized (select p.* from wanted w join equipment.status_period p on p.unit_no = w.no and p.superseded_at is null),
    place as materialized (select p.* from wanted w join equipment.jurisdiction_period p on p.unit_no = w.no and p.superseded_at is null),
    firm as materialized (select p.* from wanted w join equipment.firm_period p on p.unit_no = w.no and p.superseded_at is null),
    use_unit as materialized (select p.* from wanted w join equipment.use_unit_period p on p.unit_no = w.no and p.superseded_at is null),
    policy as materialized (select p.* from wanted w join equipment.policy_period p on p.unit_no = w.no and p.superseded_at is null),
    plate as materialized (select p.* from wanted w join equipment.plate_period p on p.unit_no = w.no and p.superseded_at is null),
    span as (
        select unit_no, valid from status union all select unit_no, valid from place union all select unit_no, valid from firm
        union all select unit_no, valid from use_unit union all select unit_no, valid from policy
        union all select unit_no, valid from plate
    ),
    bound as (
        select unit_no, lower(valid) as day from span union select unit_no, upper(valid) from span where not upper_inf(valid)
    ),
    piece as (
        select unit_no, day as valid_from,
               coalesce(lead(day) over (partition by unit_no order by day), 'infinity'::date) as valid_to from bound
    ),
    fact as (
        select b.unit_no, b.valid_from, b.valid_to, j.no as area, s.value as status, i.id is not null as insured,
               n.id is not null as plated, f.value as firm, o.value as use_unit
        from piece b
        join status s on s.unit_no = b.unit_no and s.valid @> b.valid_from
        join place p on p.unit_no = b.unit_no and p.valid @> b.valid_from
        join equipment.jurisdiction j on j.id = p.value
        left join firm f on f.unit_no = b.unit_no and f.valid @> b.valid_from
        left join use_unit o on o.unit_no = b.unit_no and o.valid @> b.valid_from
        left join policy i on i.unit_no = b.unit_no and i.valid @> b.valid_from
        left join plate n on n.unit_no = b.unit_no and n.valid @> b.valid_from
    ),
    marked as (
        select *, format('%s|%s|%s|%s|%s|%s', area, status, insured, plated, firm, use_unit) as sameness from fact
    ),
    begun as (
        select *, sameness is distinct from lag(sameness) over w or valid_from is distinct from lag(valid_to) over w as begins
        from marked window w as (partition by unit_no order by valid_from)
    ),
    run as (select *, count(*) filter (where begins) over (partition by unit_no order by valid_from) as number from begun)
    select r.unit_no, min(r.valid_from), max(r.valid_to), u.kind, r.area, r.status, r.insured, r.plated, r.firm, r.use_unit
    from run r join equipment.unit u on u.no = r.unit_no
    group by r.unit_no, r.number, u.kind, r.area, r.status, r.insured, r.plated, r.firm, r.use_unit;
end $$;

-- One attribute of one unit has this value in this span, and whatever stood there before is superseded; null: none had.
create function equipment.write_period(attribute text, unit integer, new_value text, span daterange, at timestamptz, why text)
returns boolean security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    target text := attribute || '_period';
    value_type text;
    old record;
    found_same boolean;
    add_text text;
begin
    if isempty(span) or lower_inf(span) then
        raise exception 'a period needs its first day' using errcode = 'invalid_parameter_value';
    end if;
    select format_type(a.atttypid, null) into strict value_type from pg_attribute a
    where a.attrelid = format('equipment.%I', target)::regclass and a.attname = 'value';
    perform 1 from equipment.unit u where u.no = unit for no key update;
    if not found then
        raise exception 'no unit %', unit using errcode = 'no_data_found';
    end if;
    if new_value is null then
        execute format('select not exists (select 1 from equipment.%I where unit_no = $1 and superseded_at is null and valid && $2)',
            target) into found_same using unit, span;
    else
        execute format('select exists (select 1 from equipment.%I where unit_no = $1 and superseded_at is null and valid @> $2
            and value::text = $3)', target) into found_same using unit, span, new_value;
    end if;
    if found_same then return false; end if;
    add_text := format('insert into equipment.%I (unit_no, value, valid, recorded_at, account_id, reason)
        values ($1, $2::%s, $3, $4, $5, $6)', target, value_type);
    for old in execute format('update equipment.%I set superseded_at = $1 where unit_no = $2 and superseded_at is null
        and valid && $3 returning value::text as value, valid, account_id, reason', target) using at, unit, span
    loop
        if lower(old.valid) < lower(span) then
            execute add_text using unit, old.value, daterange(lower(old.valid), lower(span)), at, old.account_id, old.reason;
        end if;
        if not upper_inf(span) and (upper_inf(old.valid) or upper(old.valid) > upper(span)) then
            execute add_text using unit, old.value, daterange(upper(span), upper(old.valid)), at, old.account_id, old.reason;
        end if;
    end loop;
    if new_value is not null then
        execute add_text using unit, new_value, span, at, equipment.scope_account(), coalesce(why, '');
    end if;
    return true;
end $$;

-- Last insured day of the coverage without a gap that holds on ``today``; without one, of the last that ended before.
create function equipment.insured_until(unit integer, today date) returns date
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select upper(r) - 1 from (
        select unnest(range_agg(valid)) as r from equipment.policy_period where unit_no = unit and superseded_at is null
    ) merged where lower(r) <= today order by lower(r) desc limit 1
$$;

-- What the periods say of a day, as the columns of equipment.unit.
create function equipment.state_on(unit integer, today date)
returns table (status text, jurisdiction_id text, owner_org_id bigint, use_org_id bigint, firm_org_id bigint,
               maintenance_mode text, rescue_code text, insurance_valid_to date)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select (select value from equipment.status_period where unit_no = unit and superseded_at is null and valid @> today),
           (select value from equipment.jurisdiction_period where unit_no = unit and superseded_at is null and valid @> today),
           (select value from equipment.owner_period where unit_no = unit and superseded_at is null and valid @> today),
           (select value from equipment.use_unit_period where unit_no = unit and superseded_at is null and valid @> today),
           (select value from equipment.firm_period where unit_no = unit and superseded_at is null and valid @> today),
           (select value from equipment.mode_period where unit_no = unit and superseded_at is null and valid @> today),
           (select value from equipment.plate_period where unit_no = unit and superseded_at is null and valid @> today),
           equipment.insured_until(unit, today)
$$;

-- Bring units in line with their periods on the day of ``at``; returns how many were not.
create function equipment.project(units integer[], at timestamptz) returns integer
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare changed integer;
begin
    update equipment.unit u
    set status = coalesce(p.status, 'unregistered'), jurisdiction_id = coalesce(p.jurisdiction_id, u.jurisdiction_id),
        owner_org_id = p.owner_org_id, use_org_id = p.use_org_id, firm_org_id = p.firm_org_id,
        maintenance_mode = p.maintenance_mode, rescue_code = p.rescue_code, insurance_valid_to = p.insurance_valid_to,
        changed_at = at
    from unnest(units) as w(no), lateral equipment.state_on(w.no, equipment.shanghai_day(at)) p
    where u.no = w.no and (u.status, u.jurisdiction_id, u.owner_org_id, u.use_org_id, u.firm_org_id, u.maintenance_mode,
                           u.rescue_code, u.insurance_valid_to)
        is distinct from (coalesce(p.status, 'unregistered'), coalesce(p.jurisdiction_id, u.jurisdiction_id), p.owner_org_id,
                          p.use_org_id, p.firm_org_id, p.maintenance_mode, p.rescue_code, p.insurance_valid_to);
    get diagnostics changed = row_count;
    return changed;
end $$;

-- Write a period and everything that follows from it. A scoped caller must be the authority that has the unit today.
create function equipment.amend(attribute text, unit integer, new_value text, span daterange, at timestamptz, why text)
returns boolean security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    if current_setting('role') = 'teshe_scoped' and not (
        coalesce(equipment.scope_role(), '') in ('inspector', 'regulator') and exists (
            select 1 from equipment.unit u where u.no = unit
                and equipment.in_scope(u.jurisdiction_path, u.firm_org_id, u.use_org_id))) then
        raise exception 'unit % is not the caller''s to change', unit using errcode = 'insufficient_privilege';
    end if;
    if not equipment.write_period(attribute, unit, new_value, span, at, why) then return false; end if;
    perform equipment.rebuild_segments(array[unit]);
    perform equipment.project(array[unit], at);
    return true;
end $$;

-- Periods that begin or end with time: what was decided ahead, and delegations that are over.
create function equipment.project_changes(since date, at timestamptz) returns integer
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    found integer[];
    today date := equipment.shanghai_day(at);
begin
    select coalesce(array_agg(distinct unit_no), '{}') into found from (
        select unit_no, valid from equipment.status_period where superseded_at is null
        union all select unit_no, valid from equipment.jurisdiction_period where superseded_at is null
        union all select unit_no, valid from equipment.owner_period where superseded_at is null
        union all select unit_no, valid from equipment.use_unit_period where superseded_at is null
        union all select unit_no, valid from equipment.firm_period where superseded_at is null
        union all select unit_no, valid from equipment.mode_period where superseded_at is null
        union all select unit_no, valid from equipment.plate_period where superseded_at is null
        union all select unit_no, valid from equipment.policy_period where superseded_at is null
    ) p where lower(valid) between since and today or upper(valid) between since and today;
    return equipment.project(found, at);
end $$;

-- The first periods of units, from what stands in their rows. In use, and supervised, from the first day of use where it
-- is known; everything else from the day it was recorded, since nobody said since when.
create function equipment.open_periods(units integer[]) returns void
security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan language plpgsql as $$
declare
    who bigint := equipment.scope_account();
    why text := coalesce(nullif(current_setting('teshe.reason', true), ''), '登记');
    entry record;
begin
    for entry in select * from (values ('status', 'status'), ('jurisdiction', 'jurisdiction_id'), ('owner', 'owner_org_id'),
        ('use_unit', 'use_org_id'), ('firm', 'firm_org_id'), ('mode', 'maintenance_mode'), ('plate', 'rescue_code'))
        as t(attribute, column_name)
    loop
        execute format('insert into equipment.%I (unit_no, value, valid, recorded_at, account_id, reason)
            select u.no, u.%I, daterange(case when $1 = ''jurisdiction'' or $1 = ''status'' and u.status = ''in_use''
                       then least(u.first_use_date, equipment.shanghai_day(u.changed_at))
                       else equipment.shanghai_day(u.changed_at) end, null), u.changed_at, $2, $3
            from unnest($4) as w(no) join equipment.unit u on u.no = w.no where u.%2$I is not null',
            entry.attribute || '_period', entry.column_name) using entry.attribute, who, why, units;
    end loop;
    insert into equipment.policy_period (unit_no, value, valid, recorded_at, account_id, reason)
    select u.no, '', daterange(least(equipment.shanghai_day(u.changed_at), u.insurance_valid_to), u.insurance_valid_to, '[]'),
           u.changed_at, who, why
    from unnest(units) as w(no) join equipment.unit u on u.no = w.no where u.insurance_valid_to is not null;
    perform equipment.rebuild_segments(units);
end $$;

create function equipment.unit_registered() returns trigger
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    perform equipment.open_periods(array(select no from new_unit));
    return null;
end $$;

create function equipment.unit_changed() returns trigger
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    why text := coalesce(current_setting('teshe.reason', true), '');
    c record;
    touched integer[] := '{}';
    wrote boolean;
    held text;
begin
    for c in
        select n.no, n.changed_at, equipment.shanghai_day(n.changed_at) as day, n.insurance_valid_to,
               o.jurisdiction_id as from_place, n.jurisdiction_id as place, change.attribute, change.value
        from new_unit n join old_unit o on o.no = n.no,
        lateral (values
            ('status', n.status, n.status is distinct from o.status),
            ('jurisdiction', n.jurisdiction_id, n.jurisdiction_id is distinct from o.jurisdiction_id),
            ('owner', n.owner_org_id::text, n.owner_org_id is distinct from o.owner_org_id),
            ('use_unit', n.use_org_id::text, n.use_org_id is distinct from o.use_org_id),
            ('firm', n.firm_org_id::text, n.firm_org_id is distinct from o.firm_org_id),
            ('mode', n.maintenance_mode, n.maintenance_mode is distinct from o.maintenance_mode),
            ('plate', n.rescue_code, n.rescue_code is distinct from o.rescue_code),
            ('policy', '', n.insurance_valid_to is distinct from o.insurance_valid_to)
        ) as change(attribute, value, differs)
        where change.differs
        order by n.no, change.attribute
    loop
        execute format('select max(value::text) from equipment.%I where unit_no = $1 and superseded_at is null and valid @> $2',
            c.attribute || '_period') into held using c.no, c.day;
        if c.attribute <> 'policy' and held is not distinct from c.value then
            wrote := false;  -- the periods say so already: this is their projection
        elsif c.attribute <> 'policy' then
            wrote := equipment.write_period(c.attribute, c.no, c.value, daterange(c.day, null), c.changed_at, why);
        elsif c.insurance_valid_to is not distinct from equipment.insured_until(c.no, c.day) then
            wrote := false;
        else
            -- an emptied date withdraws all that was said of insurance; a span is corrected through equipment.amend
            wrote := equipment.write_period('policy', c.no, null, daterange(least(c.day, coalesce(c.insurance_valid_to, '1900-01-01')), null),
                                            c.changed_at, why);
            if c.insurance_valid_to is not null then
                wrote := equipment.write_period('policy', c.no, '',
                    daterange(least(c.day, c.insurance_valid_to), c.insurance_valid_to, '[]'), c.changed_at, why) or wrote;
            end if;
        end if;
        if wrote then touched := touched || c.no; end if;
        if c.attribute = 'jurisdiction' then
            insert into equipment.handover (unit_no, from_id, to_id, at, until, reason, account_id)
            select c.no, c.from_place, c.place, c.changed_at, upper(p.valid), p.reason, p.account_id
            from equipment.jurisdiction_period p
            where p.unit_no = c.no and p.superseded_at is null and p.valid @> c.day;
        end if;
    end loop;
    if touched <> '{}' then
        perform equipment.rebuild_segments(touched);
        -- where a shorter date leaves cover that begins later, or none
        perform equipment.project(array[u.no], u.changed_at) from equipment.unit u where u.no = any(touched);
    end if;
    return null;
end $$;

create trigger unit_registered after insert on equipment.unit referencing new table as new_unit
    for each statement execute function equipment.unit_registered();
create trigger unit_changed after update on equipment.unit referencing old table as old_unit new table as new_unit
    for each statement execute function equipment.unit_changed();

-- How many units were so on a day; empty or null conditions are none. The caller's scope is that of the same day.
create function equipment.units_as_of(day date, below text, kinds text[], wanted_status text, wanted_insured boolean)
returns bigint stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan language plpgsql as $$
declare
    areas integer[] := equipment.areas_below(below);
    everybody boolean := current_setting('role') <> 'teshe_scoped';
    found bigint := 0;
begin
    if everybody or equipment.scope_kind() = 'jurisdiction' then
        select count(*) into found from equipment.unit_segment s
        where s.area = any(areas) and s.valid_from <= day and s.valid_to > day
          and (kinds is null or s.kind = any(kinds)) and (wanted_status = '' or s.status = wanted_status)
          and (wanted_insured is null or s.insured = wanted_insured);
    elsif equipment.scope_kind() = 'firm' then
        select count(*) into found from equipment.unit_segment s
        where s.firm_org_id = equipment.scope_organisation() and s.area = any(areas) and s.valid_from <= day and s.valid_to > day
          and (kinds is null or s.kind = any(kinds)) and (wanted_status = '' or s.status = wanted_status)
          and (wanted_insured is null or s.insured = wanted_insured);
    elsif equipment.scope_kind() = 'use_unit' then
        select count(*) into found from equipment.unit_segment s
        where s.use_org_id = equipment.scope_organisation() and s.area = any(areas) and s.valid_from <= day and s.valid_to > day
          and (kinds is null or s.kind = any(kinds)) and (wanted_status = '' or s.status = wanted_status)
          and (wanted_insured is null or s.insured = wanted_insured);
    end if;
    return found;
end $$;

-- Days that such units have stood under exposure in [first, last): unit-years are these over 365.25.
create function equipment.unit_days(first date, last date, below text, kinds text[], wanted_status text, wanted_insured boolean)
returns bigint stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan language plpgsql as $$
declare
    areas integer[] := equipment.areas_below(below);
    everybody boolean := current_setting('role') <> 'teshe_scoped';
    found bigint;
begin
    select sum(least(s.valid_to, last) - greatest(s.valid_from, first)) into found from equipment.unit_segment s
    where s.area = any(areas) and s.valid_from < last and s.valid_to > first
      and (kinds is null or s.kind = any(kinds)) and (wanted_status = '' or s.status = wanted_status)
      and (wanted_insured is null or s.insured = wanted_insured)
      and (everybody or case equipment.scope_kind() when 'jurisdiction' then true
           when 'firm' then s.firm_org_id = equipment.scope_organisation()
           when 'use_unit' then s.use_org_id = equipment.scope_organisation() else false end);
    return coalesce(found, 0);
end $$;

-- Numbers of the jurisdictions in the caller's scope at or below one (empty: all of them).
create function equipment.areas_below(below text) returns integer[]
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select coalesce(array_agg(j.no), '{}') from equipment.jurisdiction j
    where (below = '' or strpos(j.path, '/' || below || '/') > 0)
      and (current_setting('role') <> 'teshe_scoped' or equipment.scope_kind() in ('firm', 'use_unit')
           or starts_with(j.path, equipment.scope_path()))
$$;

-- 移交签收: the open work is listed by whoever knows all rooms; the register only keeps it.
create function equipment.list_open_work(entry bigint, work jsonb, at timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    update equipment.handover set open_work = work, listed_at = at where id = entry and open_work is null
$$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('rebuild_segments', 'write_period', 'insured_until', 'state_on', 'project',
            'amend', 'project_changes', 'open_periods', 'units_as_of', 'unit_days', 'areas_below', 'list_open_work')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_system', signature);
    end loop;
end $$;
grant execute on function equipment.amend(text, integer, text, daterange, timestamptz, text),
    equipment.units_as_of(date, text, text[], text, boolean),
    equipment.unit_days(date, date, text, text[], text, boolean) to teshe_scoped;

-- what an older register already holds
select equipment.open_periods(array(select no from equipment.unit)) where exists (select 1 from equipment.unit);
