-- Insurance and exposure are read from the periods of the register as they stood on the day of the cut, no longer from what the
-- unit's row says today.

-- 保险: connected = a policy was ever registered; enabled = one ran within the last 60 days; effective = one covers the day.
create or replace function dashboards.stage_insurance(on_day date) returns table (unit_no integer, stage smallint)
stable language sql as $$
    with cover as (
        select p.unit_no, bool_or(p.valid @> on_day) as today,
               bool_or(p.valid && daterange(on_day - 60, on_day, '[]')) as lately
        from equipment.policy_period p where p.superseded_at is null and lower(p.valid) <= on_day group by p.unit_no
    )
    select s.unit_no, (case when c.today then 3 when c.lately then 2 when c.unit_no is not null then 1 else 0 end)::smallint
    from equipment.unit_segment s left join cover c on c.unit_no = s.unit_no
    where s.valid_from <= on_day and s.valid_to > on_day and s.status = 'in_use' and s.kind in ('lift', 'escalator')
$$;

-- Denominators: units on the last day of ``year`` (of the running year: on ``on_day``) and unit-years within it, each under the
-- place and the status that it had then.
create or replace function dashboards.exposure(first_year integer, on_day date)
returns table (jurisdiction_id text, kind text, year integer, in_use bigint, stopped bigint, in_use_years double precision,
               registered_years double precision, source text)
stable language sql as $$
    select j.id, t.kind, t.year, t.in_use, t.stopped, t.in_use_days::double precision / t.days, t.registered_days::double precision / t.days,
           'periods'
    from (
        select s.area, s.kind, y.year, y.next - y.first as days,
               count(*) filter (where s.status = 'in_use' and s.valid_to >= y.until) as in_use,
               count(*) filter (where s.status = 'stopped' and s.valid_to >= y.until) as stopped,
               coalesce(sum(least(s.valid_to, y.until) - greatest(s.valid_from, y.first)) filter (where s.status = 'in_use'), 0)
                   as in_use_days,
               sum(least(s.valid_to, y.until) - greatest(s.valid_from, y.first)) as registered_days
        from (select g as year, make_date(g, 1, 1) as first, make_date(g + 1, 1, 1) as next,
                     least(make_date(g + 1, 1, 1), on_day + 1) as until
              from generate_series(first_year, extract(year from on_day)::integer) g) y
        join equipment.unit_segment s on s.valid_from < y.until and s.valid_to > y.first and s.status in ('in_use', 'stopped')
        group by s.area, s.kind, y.year, y.first, y.next
    ) t join equipment.jurisdiction j on j.no = t.area
$$;
