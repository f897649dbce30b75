-- 存量 per month: what stood open at the newest cut of each month. A month without a cut has no row: it is missing, not zero.
create function dashboards.count_stocks(cut bigint, before bigint, at timestamptz) returns void
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare this_month date := date_trunc('month', at at time zone 'Asia/Shanghai')::date;
begin
    delete from dashboards.cut_month m where m.cut_id = cut and m.measure in ('open_major_hazards', 'overdue_duties');
    insert into dashboards.cut_month (cut_id, jurisdiction_id, jurisdiction_path, month, measure, value)
        select cut, m.jurisdiction_id, m.jurisdiction_path, m.month, m.measure, m.value from dashboards.cut_month m
        where m.cut_id = before and m.measure in ('open_major_hazards', 'overdue_duties')
          and m.month >= (this_month - interval '24 months')::date and m.month < this_month;
    insert into dashboards.cut_month (cut_id, jurisdiction_id, jurisdiction_path, month, measure, value)
        select cut, j.id, j.path, this_month, s.measure, coalesce(sum(c.value), 0)
        from equipment.jurisdiction j
        cross join (values ('open_major_hazards', array['open_major_hazards']),
                           ('overdue_duties', array['stage.inspection.2', 'stage.self_test.2', 'overdue_hazards'])) s (measure, parts)
        left join dashboards.cut_count c on c.cut_id = cut and c.jurisdiction_id = j.id and c.measure = any(s.parts)
        group by j.id, j.path, s.measure;
end $$;
revoke all on function dashboards.count_stocks(bigint, bigint, timestamptz) from public;

-- As before, with the stocks of the month.
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
    perform dashboards.count_stocks(cut, before, at);
    update dashboards.data_cut c set seconds = extract(epoch from clock_timestamp() - began) where c.id = cut;
    -- of each finished month its last cut stays, of the running month the last two days; what was published keeps its own inputs
    delete from dashboards.data_cut c where c.cut_at < at - interval '2 days' and exists (
        select 1 from dashboards.data_cut l where l.cut_at > c.cut_at and date_trunc('month', l.day) = date_trunc('month', c.day));
    return cut;
end $$;
