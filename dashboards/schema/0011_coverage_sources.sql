-- Where each coverage target gets its facts: one small function per target, each replaceable alone.
--   stage 0 none, 1 已接入 connected, 2 已启用 enabled, 3 有效 effective, -1 excluded by the rule the definition cites.
-- They give one row per unit they can speak of; a unit without a row is at stage 0. They run as the owner inside
-- dashboards.refresh_stages and are open to nobody else: row security does not narrow them.

-- 无纸化: connected = its firm files electronically; enabled = this unit has a record of the last 60 days; effective = no gap
-- of more than 15 days within them (条例 art. 31). Excluded: in use for less than 15 days, so that no visit is due yet.
create function dashboards.stage_paperless(on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    with visit as (
        select r.unit_no, (r.ended_at at time zone 'Asia/Shanghai')::date as day
        from maintenance.record r
        where r.ended_at >= ((on_day - 76)::timestamp at time zone 'Asia/Shanghai')
          and r.ended_at < ((on_day + 1)::timestamp at time zone 'Asia/Shanghai') and r.state <> 'corrected'
    ), gap as (
        select v.unit_no, v.day, lead(v.day, 1, on_day + 1) over (partition by v.unit_no order by v.day) - v.day as days,
               v.day - coalesce(lag(v.day) over (partition by v.unit_no order by v.day), v.day) as before
        from visit v
    ), filed as (
        select g.unit_no, bool_or(g.day > on_day - 60) as recent, max(g.days) filter (where g.day + g.days > on_day - 60) as longest,
               min(g.day) as first_day
        from gap g group by g.unit_no
    ), firm as (
        select distinct r.firm_org_id from maintenance.record r where r.ended_at >= ((on_day - 365)::timestamp at time zone 'Asia/Shanghai')
    )
    select u.no, (case
        when u.first_use_date > on_day - 15 then -1
        when f.recent and f.longest <= 16 and f.first_day <= greatest(on_day - 60, coalesce(u.first_use_date, '-infinity'::date)) + 15 then 3
        when f.recent then 2
        when u.firm_org_id in (select firm_org_id from firm) then 1
        else 0 end)::smallint
    from equipment.unit u left join filed f on f.unit_no = u.no
    where u.status = 'in_use' and u.kind in ('lift', 'escalator')
$$;

-- 保险: connected = a policy was registered; enabled = it ran within the last 60 days; effective = valid today for this lift.
create function dashboards.stage_insurance(on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    select u.no, (case when u.insurance_valid_to >= on_day then 3 when u.insurance_valid_to >= on_day - 60 then 2
                       when u.insurance_valid_to is not null then 1 else 0 end)::smallint
    from equipment.unit u where u.status = 'in_use' and u.kind in ('lift', 'escalator')
$$;

-- 96366: connected = the rescue plate's code is registered; enabled = its plate or its level-1 phone was checked within 90
-- days; effective = both, and both passed at the last check. An answered level-1 dispatch proves the phone.
create function dashboards.stage_hotline(on_day date) returns table (unit_no integer, stage smallint)
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
    select u.no, (case
        when u.rescue_code is null then 0
        when p.passed and f.passed then 3
        when p.unit_no is not null or f.organisation_id is not null then 2
        else 1 end)::smallint
    from equipment.unit u left join plate p on p.unit_no = u.no left join phone f on f.organisation_id = u.firm_org_id
    where u.status = 'in_use' and u.kind in ('lift', 'escalator')
$$;

-- 检验 and 自行检测 on time: connected = its next date is registered; enabled = it has not been over for more than 60 days;
-- effective = not over. ``duty`` is the key of the date among the unit's parameters.
create function dashboards.stage_duty(duty text, on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    select d.no, (case when d.due >= on_day then 3 when d.due >= on_day - 60 then 2 when d.due is not null then 1 else 0 end)::smallint
    from (select u.no, (u.parameters ->> duty)::date as due
          from equipment.unit u where u.status = 'in_use' and (duty = 'next_inspection' or u.kind in ('lift', 'escalator'))) d
$$;

-- 记录确认: connected = has a record of the last 60 days; enabled = at least one of them is confirmed; effective = all of them
-- that are older than 3 days. Excluded: no record in the window, so that there is nothing to confirm.
create function dashboards.stage_confirmed(on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    select u.no, (case when r.records is null then -1 when r.confirmed = r.due and r.confirmed > 0 then 3
                       when r.any_confirmed then 2 else 1 end)::smallint
    from equipment.unit u left join (
        select m.unit_no, count(*) as records, bool_or(m.state = 'confirmed') as any_confirmed,
               count(*) filter (where m.state = 'confirmed') as confirmed,
               count(*) filter (where m.state = 'confirmed' or m.received_at < ((on_day - 3)::timestamp at time zone 'Asia/Shanghai')) as due
        from maintenance.record m
        where m.ended_at >= ((on_day - 60)::timestamp at time zone 'Asia/Shanghai')
          and m.ended_at < ((on_day + 1)::timestamp at time zone 'Asia/Shanghai') and m.state <> 'corrected'
        group by m.unit_no) r on r.unit_no = u.no
    where u.status = 'in_use' and u.kind in ('lift', 'escalator')
$$;

-- 物联网在线: connected = a terminal is fitted; enabled = it has ever sent; effective = online at the cut.
-- Excluded: no terminal fitted (the target asks of fitted terminals only).
create function dashboards.stage_iot(at timestamptz) returns table (unit_no integer, stage smallint)
stable language sql as $$
    select u.no, (case when u.device_model is null then -1 when s.online then 3 when s.last_received_at is not null then 2 else 1 end)::smallint
    from equipment.unit u left join ingest.unit_state s on s.unit_no = u.no where u.status = 'in_use'
$$;

-- 气瓶追溯: the rule of equipment.cylinder_coverage with its window of 30 days, by the place of the filling station. A test
-- holds the two against each other.
create function dashboards.cylinder_trace(on_day date) returns table (jurisdiction_id text, covered bigint, cylinders bigint)
stable language sql as $$
    with bounds as (select ((on_day - 29)::timestamp at time zone 'Asia/Shanghai') as since,
                           ((on_day + 1)::timestamp at time zone 'Asia/Shanghai') as until),
    untraced as (
        select f.cylinder_no from equipment.cylinder_fill f, bounds b
        where f.filled_at >= b.since and f.filled_at < b.until and not f.traced
        union
        select r.cylinder_no from equipment.cylinder_refusal r, bounds b
        where r.at >= b.since and r.at < b.until and r.stage = 'fill' and r.cylinder_no is not null
    )
    select o.jurisdiction_id, count(*) filter (where c.code is not null and u.cylinder_no is null), count(*)
    from equipment.cylinder c
    join equipment.organisation o on o.id = c.station_id
    left join untraced u on u.cylinder_no = c.no
    where c.registered_at < (select until from bounds) and c.state not in ('scrapped', 'lost')
    group by o.jurisdiction_id
$$;

-- Denominators: units by the end of ``year`` (of the running year: at ``on_day``) and unit-years within it. Status is kept as
-- of today, so an earlier year knows only when a unit came into use; the page says so.
create function dashboards.exposure(first_year integer, on_day date)
returns table (jurisdiction_id text, kind text, year integer, in_use bigint, stopped bigint, in_use_years double precision,
               registered_years double precision, source text)
stable language sql as $$
    select u.jurisdiction_id, u.kind, y.year, count(*) filter (where u.status = 'in_use'), count(*) filter (where u.status = 'stopped'),
           coalesce(sum(s.share) filter (where u.status = 'in_use'), 0), coalesce(sum(s.share), 0), 'status_of_today'
    from (select g as year, make_date(g, 1, 1) as first, make_date(g + 1, 1, 1) as next,
                 least(make_date(g + 1, 1, 1), on_day + 1) as until
          from generate_series(first_year, extract(year from on_day)::integer) g) y
    join equipment.unit u on u.status in ('in_use', 'stopped') and (u.first_use_date is null or u.first_use_date < y.until)
    cross join lateral (select (y.until - greatest(y.first, coalesce(u.first_use_date, y.first)))::double precision
                               / (y.next - y.first) as share) s
    group by u.jurisdiction_id, u.kind, y.year
$$;
revoke all on function dashboards.stage_paperless(date), dashboards.stage_insurance(date), dashboards.stage_hotline(date),
    dashboards.stage_duty(text, date), dashboards.stage_confirmed(date), dashboards.stage_iot(timestamptz),
    dashboards.cylinder_trace(date), dashboards.exposure(integer, date) from public;
