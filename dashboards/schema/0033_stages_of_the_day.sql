-- Every stage speaks of the units that were in use on the day of the cut, under the place and the firm that they had then, and of
-- records, confirmations and hazards as they stood then. Inspection and self-test follow from the due dates of the register.

-- The first date of inspection and of self-test that nothing has answered, as the register's pure functions give it. It follows
-- from recorded facts alone, not from the day it is asked; `facts` says which they were, so that a row is made again when they change.
create table dashboards.unit_due (
    unit_no integer primary key,
    facts bigint[] not null,
    inspection_rule boolean not null,          -- whether it is owed: the rule table has a period for this variety
    inspection_on date,                        -- null: cannot be told
    inspection_recorded boolean not null,      -- whether any inspection after the base is on record
    self_test_rule boolean not null,
    self_test_on date,
    self_test_recorded boolean not null,
    self_test_last date                        -- after it an inspection is due every year, and no self-test any more
);
grant select, insert, update, delete on dashboards.unit_due to teshe_system;
call equipment.protect('dashboards.unit_due', 'exists (select 1 from equipment.unit u where u.no = unit_due.unit_no)', 'select');

-- What a unit's due dates are made of, as numbers: variety, first day of use, how many inspections and spans out of use are kept.
-- Both are append-only (a correction is a new row, a superseded span is marked), so equal numbers are equal facts.
create function dashboards.due_facts() returns table (unit_no integer, facts bigint[])
stable security definer set search_path = pg_catalog, pg_temp set enable_nestloop = off language sql as $$
    select u.no, array[hashtextextended(u.variety_code, 0), coalesce(u.first_use_date - date '1900-01-01', -1)::bigint,
                       coalesce(i.kept, 0), coalesce(s.kept, 0), coalesce(s.superseded, 0)]
    from equipment.unit u
    left join (select n.unit_no, count(*) as kept from equipment.inspection n group by n.unit_no) i on i.unit_no = u.no
    left join (select p.unit_no, count(*) as kept, count(p.superseded_at) as superseded from equipment.status_period p
               where p.value = 'stopped' group by p.unit_no) s on s.unit_no = u.no
$$;

-- Units whose due dates have to be made (again), in order of their number.
create function dashboards.due_to_make(most integer) returns table (unit_no integer, facts bigint[])
stable security definer set search_path = pg_catalog, pg_temp set enable_nestloop = off language sql as $$
    select f.unit_no, f.facts from dashboards.due_facts() f left join dashboards.unit_due d on d.unit_no = f.unit_no
    where d.facts is distinct from f.facts order by f.unit_no limit most
$$;
revoke all on function dashboards.due_facts(), dashboards.due_to_make(integer) from public;
grant execute on function dashboards.due_to_make(integer) to teshe_system;

-- Units in use on a day.
create function dashboards.in_use_on(on_day date) returns table (unit_no integer, kind text, area integer, firm_org_id bigint, plated boolean)
stable language sql as $$
    select s.unit_no, s.kind, s.area, s.firm_org_id, s.plated from equipment.unit_segment s
    where s.status = 'in_use' and s.valid_from <= on_day and s.valid_to > on_day
$$;

-- Maintenance records that stood at the end of a day: received by then, and not yet corrected then.
create function dashboards.records_on(first_day date, on_day date)
returns table (unit_no integer, firm_org_id bigint, ended_at timestamptz, received_at timestamptz, confirmed boolean)
stable language sql as $$
    with bounds as (select first_day::timestamp at time zone 'Asia/Shanghai' as since,
                           (on_day + 1)::timestamp at time zone 'Asia/Shanghai' as until)
    select r.unit_no, r.firm_org_id, r.ended_at, r.received_at,
           r.confirmed_at < b.until or (r.confirmed_at is null and r.state = 'confirmed')
    from bounds b join maintenance.record r on r.ended_at >= b.since and r.ended_at < b.until and r.received_at < b.until
    where r.state <> 'corrected'
       or exists (select 1 from maintenance.record c where c.corrects = r.id and c.received_at >= b.until)
$$;

-- Days between two visits where they are not the 15 of the law: on-demand plans that were accepted at the end of a day.
create function dashboards.on_demand_on(on_day date) returns table (unit_no integer, days integer)
stable language sql as $$
    select e.unit_no, p.interval_days
    from (select distinct on (v.unit_no) v.unit_no, v.plan_id, v.event from maintenance.on_demand_plan_event v
          where v.at < ((on_day + 1)::timestamp at time zone 'Asia/Shanghai') and v.event in ('accept', 'suspend', 'end')
          order by v.unit_no, v.at desc, v.id desc) e
    join maintenance.on_demand_plan p on p.id = e.plan_id
    where e.event = 'accept'
$$;

create or replace function dashboards.stage_paperless(on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    with unit as (
        select s.unit_no, s.firm_org_id, u.first_use_date, coalesce(p.days, 15) as days
        from dashboards.in_use_on(on_day) s join equipment.unit u on u.no = s.unit_no
        left join dashboards.on_demand_on(on_day) p on p.unit_no = s.unit_no
        where s.kind in ('lift', 'escalator')
    ), visit as (
        select r.unit_no, (r.ended_at at time zone 'Asia/Shanghai')::date as day from dashboards.records_on(on_day - 76, on_day) r
        union all
        select r.unit_no, (r.ended_at at time zone 'Asia/Shanghai')::date
        from dashboards.on_demand_on(on_day) p join dashboards.records_on(on_day - 426, on_day - 77) r on r.unit_no = p.unit_no
    ), gap as (
        select v.unit_no, v.day, lead(v.day, 1, on_day + 1) over (partition by v.unit_no order by v.day) - v.day as days
        from visit v
    ), filed as (
        select g.unit_no, max(g.day) as last_day, max(g.days) filter (where g.day + g.days > on_day - 60) as longest,
               min(g.day) as first_day
        from gap g group by g.unit_no
    ), firm as (
        select distinct r.firm_org_id from maintenance.record r
        where r.ended_at >= ((on_day - 365)::timestamp at time zone 'Asia/Shanghai')
          and r.received_at < ((on_day + 1)::timestamp at time zone 'Asia/Shanghai')
    )
    select u.unit_no, (case
        when u.first_use_date > on_day - u.days then -1
        when f.last_day > on_day - greatest(60, u.days + 1) and f.longest <= u.days + 1
             and f.first_day <= greatest(on_day - 60, coalesce(u.first_use_date, '-infinity'::date)) + u.days then 3
        when f.last_day > on_day - 60 then 2
        when u.firm_org_id in (select firm_org_id from firm) then 1
        else 0 end)::smallint
    from unit u left join filed f on f.unit_no = u.unit_no
$$;

create or replace function dashboards.stage_insurance(on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    with cover as (
        select p.unit_no, bool_or(p.valid @> on_day) as today,
               bool_or(p.valid && daterange(on_day - 60, on_day, '[]')) as lately
        from equipment.policy_period p where p.superseded_at is null and lower(p.valid) <= on_day group by p.unit_no
    )
    select s.unit_no, (case when c.today then 3 when c.lately then 2 when c.unit_no is not null then 1 else 0 end)::smallint
    from dashboards.in_use_on(on_day) s left join cover c on c.unit_no = s.unit_no
    where s.kind in ('lift', 'escalator')
$$;

create or replace function dashboards.stage_hotline(on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    with since as (select ((on_day - 90)::timestamp at time zone 'Asia/Shanghai') as at,
                          ((on_day + 1)::timestamp at time zone 'Asia/Shanghai') as until),
    plate as (
        select distinct on (c.unit_no) c.unit_no, c.passed from equipment.hotline_check c, since s
        where c.unit_no is not null and c.checked_at >= s.at and c.checked_at < s.until order by c.unit_no, c.checked_at desc
    ), phone as (
        select distinct on (p.organisation_id) p.organisation_id, p.passed from (
            select c.organisation_id, c.passed, c.checked_at as at from equipment.hotline_check c, since s
            where c.organisation_id is not null and c.checked_at >= s.at and c.checked_at < s.until
            union all
            select d.organisation_id, true, d.answered_at from alarms.dispatch d, since s
            where d.level = 1 and d.answered_at >= s.at and d.answered_at < s.until
        ) p where p.organisation_id is not null order by p.organisation_id, p.at desc
    )
    select u.unit_no, (case
        when not u.plated then 0
        when p.passed and f.passed then 3
        when p.unit_no is not null or f.organisation_id is not null then 2
        else 1 end)::smallint
    from dashboards.in_use_on(on_day) u left join plate p on p.unit_no = u.unit_no
    left join phone f on f.organisation_id = u.firm_org_id
    where u.kind in ('lift', 'escalator')
$$;

-- 检验 and 自行检测 on time. Connected = the next date can be told; enabled = an inspection is on record, or the first is not due
-- yet; effective = nothing is overdue. Excluded: the rule table has no period for this variety, or the duty has ended. A date that has passed with nothing on
-- record is neither on time nor overdue: it is not known, and stays at connected.
drop function dashboards.stage_duty(text, date);
create function dashboards.stage_duty(duty text, on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    select s.unit_no, (case when not w.ruled or not w.recorded and on_day > w.last then -1 when w.due is null then 0 when w.due >= on_day then 3 when w.recorded then 2 else 1 end)::smallint
    from dashboards.in_use_on(on_day) s join dashboards.unit_due d on d.unit_no = s.unit_no
    cross join lateral (select case duty when 'inspection' then d.inspection_rule else d.self_test_rule end as ruled,
                               case duty when 'inspection' then d.inspection_on else d.self_test_on end as due,
                               case duty when 'inspection' then d.inspection_recorded else d.self_test_recorded end as recorded,
                               case duty when 'self_test' then d.self_test_last end as last) w
    where duty = 'inspection' or s.kind in ('lift', 'escalator')
$$;

create or replace function dashboards.stage_confirmed(on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    select u.unit_no, (case when r.unit_no is null then -1 when r.confirmed = r.due and r.confirmed > 0 then 3
                            when r.confirmed > 0 then 2 else 1 end)::smallint
    from dashboards.in_use_on(on_day) u left join (
        select m.unit_no, count(*) filter (where m.confirmed) as confirmed,
               count(*) filter (where m.confirmed or m.received_at < ((on_day - 3)::timestamp at time zone 'Asia/Shanghai')) as due
        from dashboards.records_on(on_day - 60, on_day) m group by m.unit_no) r on r.unit_no = u.unit_no
    where u.kind in ('lift', 'escalator')
$$;

-- Whether a terminal is fitted and online has no past: the cut sees it as it is at its own moment.
create or replace function dashboards.stage_iot(at timestamptz) returns table (unit_no integer, stage smallint)
stable language sql as $$
    select n.unit_no, (case when u.device_model is null then -1 when s.online then 3 when s.last_received_at is not null then 2 else 1 end)::smallint
    from dashboards.in_use_on((at at time zone 'Asia/Shanghai')::date) n join equipment.unit u on u.no = n.unit_no
    left join ingest.unit_state s on s.unit_no = n.unit_no
$$;
revoke all on function dashboards.in_use_on(date), dashboards.on_demand_on(date), dashboards.records_on(date, date), dashboards.stage_duty(text, date) from public;

create or replace function dashboards.refresh_stages(at timestamptz) returns void
volatile security definer set search_path = pg_catalog, pg_temp set enable_nestloop = off language plpgsql as $$
declare on_day date := (at at time zone 'Asia/Shanghai')::date; this_month date := date_trunc('month', on_day)::date;
begin
    create temporary table stage_now on commit drop as
        with p as materialized (select * from dashboards.stage_paperless(on_day)),
             i as materialized (select * from dashboards.stage_insurance(on_day)),
             h as materialized (select * from dashboards.stage_hotline(on_day)),
             n as materialized (select * from dashboards.stage_duty('inspection', on_day)),
             t as materialized (select * from dashboards.stage_duty('self_test', on_day)),
             c as materialized (select * from dashboards.stage_confirmed(on_day)),
             o as materialized (select * from dashboards.stage_iot(at))
        select u.unit_no, j.id as jurisdiction_id, j.path as jurisdiction_path, u.kind, p.stage as paperless, i.stage as insurance,
               h.stage as hotline, n.stage as inspection, t.stage as self_test, c.stage as confirmed, o.stage as iot
        from dashboards.in_use_on(on_day) u join equipment.jurisdiction j on j.no = u.area
        left join p on p.unit_no = u.unit_no left join i on i.unit_no = u.unit_no left join h on h.unit_no = u.unit_no
        left join n on n.unit_no = u.unit_no left join t on t.unit_no = u.unit_no left join c on c.unit_no = u.unit_no
        left join o on o.unit_no = u.unit_no;
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

-- As before, with hazards as they stood at the moment of the cut.
create or replace function dashboards.take_cut(at timestamptz) returns bigint
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
        where m.holds and h.opened_at <= at and (h.state not in ('closed', 'unsubstantiated') or h.closed_at > at)
        group by u.jurisdiction_id, u.jurisdiction_path, u.kind, m.measure;
    update dashboards.data_cut c set seconds = extract(epoch from clock_timestamp() - began) where c.id = cut;
    -- of each finished month its last cut stays, of the running month the last two days; what was published keeps its own inputs
    delete from dashboards.data_cut c where c.cut_at < at - interval '2 days' and exists (
        select 1 from dashboards.data_cut l where l.cut_at > c.cut_at and date_trunc('month', l.day) = date_trunc('month', c.day));
    return cut;
end $$;
