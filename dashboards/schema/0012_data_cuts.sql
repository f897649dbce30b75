-- 数据时点: what the board and the reports count, as it stood at one moment. Everything that comes from the same cut agrees.
create table dashboards.data_cut (
    id bigint generated always as identity primary key,
    cut_at timestamptz not null,
    day date not null,                         -- the city's date of cut_at
    seconds double precision not null          -- how long it took [s]
);
create index data_cut_by_time on dashboards.data_cut (cut_at desc);

create table dashboards.cut_count (
    cut_id bigint not null references dashboards.data_cut on delete cascade,
    jurisdiction_id text not null,
    jurisdiction_path text not null,
    kind text not null,
    measure text not null,
    value double precision not null,
    primary key (cut_id, jurisdiction_id, kind, measure)
);
create table dashboards.cut_exposure (
    cut_id bigint not null references dashboards.data_cut on delete cascade,
    jurisdiction_id text not null,
    jurisdiction_path text not null,
    kind text not null,
    year integer not null,
    in_use bigint not null,
    stopped bigint not null,
    in_use_years double precision not null,
    registered_years double precision not null,
    source text not null,
    primary key (cut_id, jurisdiction_id, kind, year)
);
create table dashboards.cut_month (
    cut_id bigint not null references dashboards.data_cut on delete cascade,
    jurisdiction_id text not null,
    jurisdiction_path text not null,
    month date not null,
    measure text not null,
    value double precision not null,
    primary key (cut_id, jurisdiction_id, month, measure)
);

-- Stage of every unit at the newest cut, and at the first cut of the running and the previous month.
create table dashboards.unit_stage (
    unit_no integer primary key,
    jurisdiction_id text not null,
    jurisdiction_path text not null,
    kind text not null,
    paperless smallint, insurance smallint, hotline smallint, inspection smallint, self_test smallint, confirmed smallint,
    iot smallint
);
create table dashboards.month_stage (like dashboards.unit_stage including defaults);
alter table dashboards.month_stage add column month date not null, add primary key (month, unit_no);

grant select, insert, update, delete on dashboards.data_cut, dashboards.cut_count, dashboards.cut_exposure,
    dashboards.cut_month, dashboards.unit_stage, dashboards.month_stage to teshe_system;
call equipment.protect('dashboards.data_cut', 'equipment.scope_kind() = ''jurisdiction''');
call equipment.protect('dashboards.cut_count', 'equipment.scope_kind() = ''jurisdiction'' and starts_with(jurisdiction_path, equipment.scope_path())');
call equipment.protect('dashboards.cut_exposure', 'equipment.scope_kind() = ''jurisdiction'' and starts_with(jurisdiction_path, equipment.scope_path())');
call equipment.protect('dashboards.cut_month', 'equipment.scope_kind() = ''jurisdiction'' and starts_with(jurisdiction_path, equipment.scope_path())');
call equipment.protect('dashboards.unit_stage', 'equipment.scope_kind() = ''jurisdiction'' and starts_with(jurisdiction_path, equipment.scope_path())');
call equipment.protect('dashboards.month_stage', 'equipment.scope_kind() = ''jurisdiction'' and starts_with(jurisdiction_path, equipment.scope_path())');

-- The stages as they are now; only rows that changed are written.
-- Nested loops are off: nothing is known of the sizes of what the functions give, and a wrong guess took minutes.
create function dashboards.refresh_stages(at timestamptz) returns void
volatile security definer set search_path = pg_catalog, pg_temp set enable_nestloop = off language plpgsql as $$
declare on_day date := (at at time zone 'Asia/Shanghai')::date; this_month date := date_trunc('month', on_day)::date;
begin
    create temporary table stage_now on commit drop as
        with p as materialized (select * from dashboards.stage_paperless(on_day)),
             i as materialized (select * from dashboards.stage_insurance(on_day)),
             h as materialized (select * from dashboards.stage_hotline(on_day)),
             n as materialized (select * from dashboards.stage_duty('next_inspection', on_day)),
             t as materialized (select * from dashboards.stage_duty('next_self_test', on_day)),
             c as materialized (select * from dashboards.stage_confirmed(on_day)),
             o as materialized (select * from dashboards.stage_iot(at))
        select u.no as unit_no, u.jurisdiction_id, u.jurisdiction_path, u.kind, p.stage as paperless, i.stage as insurance,
               h.stage as hotline, n.stage as inspection, t.stage as self_test, c.stage as confirmed, o.stage as iot
        from equipment.unit u
        left join p on p.unit_no = u.no left join i on i.unit_no = u.no left join h on h.unit_no = u.no
        left join n on n.unit_no = u.no left join t on t.unit_no = u.no left join c on c.unit_no = u.no
        left join o on o.unit_no = u.no
        where u.status = 'in_use';
    delete from dashboards.unit_stage s where not exists (select 1 from pg_temp.stage_now n where n.unit_no = s.unit_no);
    insert into dashboards.unit_stage as s select * from pg_temp.stage_now
    on conflict (unit_no) do update set
        jurisdiction_id = excluded.jurisdiction_id, jurisdiction_path = excluded.jurisdiction_path, kind = excluded.kind,
        paperless = excluded.paperless, insurance = excluded.insurance, hotline = excluded.hotline,
        inspection = excluded.inspection, self_test = excluded.self_test, confirmed = excluded.confirmed, iot = excluded.iot
    where (s.jurisdiction_path, s.kind, s.paperless, s.insurance, s.hotline, s.inspection, s.self_test, s.confirmed, s.iot)
        is distinct from (excluded.jurisdiction_path, excluded.kind, excluded.paperless, excluded.insurance, excluded.hotline,
                          excluded.inspection, excluded.self_test, excluded.confirmed, excluded.iot);
    if not exists (select 1 from dashboards.month_stage m where m.month = this_month) then
        insert into dashboards.month_stage (unit_no, jurisdiction_id, jurisdiction_path, kind, paperless, insurance, hotline,
                                            inspection, self_test, confirmed, iot, month)
            select s.*, this_month from dashboards.unit_stage s;
        delete from dashboards.month_stage m where m.month < this_month - interval '1 month';
    end if;
    drop table pg_temp.stage_now;
end $$;

-- How many units stand at each stage of each target, per place and kind, and what moved since the month began.
create function dashboards.count_stages(cut bigint, month_began date) returns void
volatile security definer set search_path = pg_catalog, pg_temp set enable_nestloop = off language plpgsql as $$
declare target text;
begin
    foreach target in array array['paperless', 'insurance', 'hotline', 'inspection', 'self_test', 'confirmed', 'iot'] loop
        execute format($count$
            insert into dashboards.cut_count (cut_id, jurisdiction_id, jurisdiction_path, kind, measure, value)
            select $1, s.jurisdiction_id, s.jurisdiction_path, s.kind, 'stage.%1$s.' || s.%1$I, count(*)
            from dashboards.unit_stage s where s.%1$I is not null
            group by s.jurisdiction_id, s.jurisdiction_path, s.kind, s.%1$I
            $count$, target) using cut;
        execute format($moved$
            insert into dashboards.cut_count (cut_id, jurisdiction_id, jurisdiction_path, kind, measure, value)
            select $1, coalesce(s.jurisdiction_id, m.jurisdiction_id), coalesce(s.jurisdiction_path, m.jurisdiction_path),
                   coalesce(s.kind, m.kind), 'moved.%1$s.' || case
                       when m.%1$I >= 0 and s.%1$I >= 0 then case when s.%1$I = 3 then 'gained' else 'lost' end
                       when s.%1$I >= 0 then case when s.%1$I = 3 then 'entered_covered' else 'entered_open' end
                       else case when m.%1$I = 3 then 'left_covered' else 'left_open' end end, count(*)
            from dashboards.unit_stage s
            full join (select * from dashboards.month_stage b where b.month = $2) m on m.unit_no = s.unit_no
            where (s.%1$I = 3) is distinct from (m.%1$I = 3) or (coalesce(s.%1$I, -1) >= 0) is distinct from (coalesce(m.%1$I, -1) >= 0)
            group by 2, 3, 4, 5
            having count(*) > 0
            on conflict do nothing
            $moved$, target) using cut, month_began;
    end loop;
end $$;

-- Events per month and place: the newest three months are counted, older ones are taken from the cut before.
create function dashboards.count_months(cut bigint, before bigint, at timestamptz) returns void
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare this_month date := date_trunc('month', at at time zone 'Asia/Shanghai')::date;
        first_month date := (this_month - interval '24 months')::date;
        counted_from date := case when before is null then first_month else (this_month - interval '2 months')::date end;
        since timestamptz := counted_from::timestamp at time zone 'Asia/Shanghai';
begin
    insert into dashboards.cut_month (cut_id, jurisdiction_id, jurisdiction_path, month, measure, value)
        select cut, m.jurisdiction_id, m.jurisdiction_path, m.month, m.measure, m.value from dashboards.cut_month m
        where m.cut_id = before and m.month >= first_month and m.month < counted_from;
    insert into dashboards.cut_month (cut_id, jurisdiction_id, jurisdiction_path, month, measure, value)
        select cut, u.jurisdiction_id, u.jurisdiction_path, date_trunc('month', e.at at time zone 'Asia/Shanghai')::date, e.measure, count(*)
        from (select i.unit_no, i.opened_at as at, 'entrapments' as measure from alarms.incident i
              where i.opened_at >= since and i.opened_at <= at and i.confirmed and i.kind = 'entrapment' and i.state <> 'merged'
              union all
              select i.unit_no, i.opened_at, 'late_arrivals' from alarms.incident i
              where i.opened_at >= since and i.opened_at <= at and i.state <> 'merged'
                and i.arrived_at - i.dispatched_at > interval '30 minutes'
              union all
              select a.unit_no, a.raised_at, 'serious_alarms' from alarms.alarm a
              where a.raised_at >= since and a.raised_at <= at and not a.shadow and a.severity in ('critical', 'high')
              union all
              select h.unit_no, h.opened_at, 'major_hazards' from maintenance.hazard h
              where h.opened_at >= since and h.opened_at <= at and h.grade = 'major' and h.state <> 'unsubstantiated') e
        join equipment.unit u on u.no = e.unit_no
        group by u.jurisdiction_id, u.jurisdiction_path, 4, e.measure;
end $$;

-- One cut. Only one is made at a time; whoever comes while another is being made waits for it and takes it.
create function dashboards.take_cut(at timestamptz) returns bigint
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare cut bigint; before bigint; on_day date := (at at time zone 'Asia/Shanghai')::date; began timestamptz := clock_timestamp();
begin
    perform pg_advisory_xact_lock(hashtextextended('dashboards.data_cut', 0));
    select c.id into cut from dashboards.data_cut c where c.cut_at >= at order by c.cut_at limit 1;
    if cut is not null then return cut; end if;
    select c.id into before from dashboards.data_cut c order by c.cut_at desc limit 1;
    perform dashboards.refresh_stages(at);
    insert into dashboards.data_cut (cut_at, day, seconds) values (at, on_day, 0) returning id into cut;
    perform dashboards.count_stages(cut, date_trunc('month', on_day)::date);
    perform dashboards.count_months(cut, before, at);
    insert into dashboards.cut_exposure
        select cut, e.jurisdiction_id, j.path, e.kind, e.year, e.in_use, e.stopped, e.in_use_years, e.registered_years, e.source
        from dashboards.exposure(extract(year from on_day)::integer - 5, on_day) e
        join equipment.jurisdiction j on j.id = e.jurisdiction_id;
    insert into dashboards.cut_count (cut_id, jurisdiction_id, jurisdiction_path, kind, measure, value)
        select cut, j.id, j.path, 'gas_cylinder', m.measure, m.value
        from dashboards.cylinder_trace(on_day) t join equipment.jurisdiction j on j.id = t.jurisdiction_id
        cross join lateral (values ('cylinders', t.cylinders::float8), ('stage.cylinder_trace.3', t.covered::float8),
                                   ('stage.cylinder_trace.0', (t.cylinders - t.covered)::float8)) m (measure, value);
    insert into dashboards.cut_count (cut_id, jurisdiction_id, jurisdiction_path, kind, measure, value)
        select cut, u.jurisdiction_id, u.jurisdiction_path, u.kind, m.measure, count(*)
        from maintenance.hazard h join equipment.unit u on u.no = h.unit_no
        cross join lateral (values ('open_hazards', true), ('open_major_hazards', h.grade = 'major'),
                                   ('overdue_hazards', h.due_at < at)) m (measure, holds)
        where m.holds and h.state not in ('closed', 'unsubstantiated')
        group by u.jurisdiction_id, u.jurisdiction_path, u.kind, m.measure;
    update dashboards.data_cut c set seconds = extract(epoch from clock_timestamp() - began) where c.id = cut;
    -- of each finished month its last cut stays, of the running month the last two days; what was published keeps its own inputs
    delete from dashboards.data_cut c where c.cut_at < at - interval '2 days' and exists (
        select 1 from dashboards.data_cut l where l.cut_at > c.cut_at and date_trunc('month', l.day) = date_trunc('month', c.day));
    return cut;
end $$;

-- The cut that stood at a moment; the very first one is made for whoever asks for it.
create function dashboards.cut_at(at timestamptz) returns bigint
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare cut bigint;
begin
    select c.id into cut from dashboards.data_cut c where c.cut_at <= at order by c.cut_at desc limit 1;
    if cut is null and not exists (select 1 from dashboards.data_cut) then cut := dashboards.take_cut(at); end if;
    return cut;
end $$;

-- A leader who wants newer numbers: a new cut, at most one a minute for the whole city.
create function dashboards.renew_cut(at timestamptz) returns bigint
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare cut bigint;
begin
    select c.id into cut from dashboards.data_cut c where c.cut_at > at - interval '1 minute' order by c.cut_at desc limit 1;
    return coalesce(cut, dashboards.take_cut(at));
end $$;
revoke all on function dashboards.renew_cut(timestamptz), dashboards.refresh_stages(timestamptz), dashboards.count_stages(bigint, date),
    dashboards.count_months(bigint, bigint, timestamptz), dashboards.take_cut(timestamptz), dashboards.cut_at(timestamptz) from public;
grant execute on function dashboards.take_cut(timestamptz) to teshe_system;
grant execute on function dashboards.cut_at(timestamptz), dashboards.renew_cut(timestamptz) to teshe_system, teshe_scoped;
