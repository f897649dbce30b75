-- name: cut_at
select dashboards.cut_at(%s);

-- name: cut
select id, cut_at, day, seconds from dashboards.data_cut where id = %s;

-- name: places
select id, kind, name_zh, name_en, path from equipment.jurisdiction
where starts_with(path, equipment.scope_path()) or equipment.scope_path() is null order by path;

-- name: exposure
select jurisdiction_path, kind, year, in_use, stopped, in_use_years, registered_years, source
from dashboards.cut_exposure where cut_id = %s;

-- name: counts
select jurisdiction_path, kind, measure, sum(value) from dashboards.cut_count where cut_id = %s group by 1, 2, 3;

-- name: months
select jurisdiction_path, measure, month, sum(value) from dashboards.cut_month where cut_id = %s group by 1, 2, 3;

-- name: reference
select area, year, measure, value, mark, source from dashboards.reference_current order by area, year, measure;

-- name: insert_reference
insert into dashboards.reference_figure (area, year, measure, value, mark, source, recorded_at) values (%s, %s, %s, %s, %s, %s, %s);

-- name: official
select d.content, o.document_no, o.approved_by, o.valid_from, o.chosen_at, d.id
from dashboards.indicator_official o left join dashboards.indicator_definition d on d.id = o.definition_id
where o.indicator = %s and o.valid_from <= %s and o.chosen_at <= %s
order by o.valid_from desc, o.id desc limit 1;

-- name: insert_official
insert into dashboards.indicator_official (indicator, definition_id, document_no, approved_by, valid_from, chosen_by, chosen_at)
values (%s, %s, %s, %s, %s, %s, %s) returning id;

-- name: official_history
select o.id, d.key, d.version, d.content, o.document_no, o.approved_by, o.valid_from, o.chosen_at
from dashboards.indicator_official o left join dashboards.indicator_definition d on d.id = o.definition_id
where o.indicator = %s order by o.id desc;

-- name: find_definition
select id, content from dashboards.indicator_definition where indicator = %s and key = %s and version = %s;

-- name: insert_definition
insert into dashboards.indicator_definition (indicator, key, version, content, created_at) values (%s, %s, %s, %s, %s)
on conflict (indicator, key, version) do nothing returning id;

-- name: insert_value
insert into dashboards.indicator_value (definition_id, jurisdiction_id, kind, period_from, period_to, data_cut, inputs, value,
    document, published_by, published_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: values
select v.id, v.definition_id, v.jurisdiction_id, v.kind, v.period_from, v.period_to, v.data_cut, v.inputs, v.value, v.document,
       v.published_at, d.content
from dashboards.indicator_value v join dashboards.indicator_definition d on d.id = v.definition_id
where (%(id)s::bigint is null or v.id = %(id)s) order by v.id desc limit %(limit)s;

-- name: risks
select u.id, u.name, u.kind, j.name_zh as district_zh, j.name_en as district_en, r.majors, r.entrapments, r.alarms, r.points
from (
    select x.unit_no, sum(x.majors) as majors, sum(x.entrapments) as entrapments, sum(x.alarms) as alarms,
           5 * sum(x.majors) + 2 * sum(x.entrapments) + sum(x.alarms) as points
    from (
        select h.unit_no, 1 as majors, 0 as entrapments, 0 as alarms from maintenance.hazard h
        where h.grade = 'major' and h.opened_at <= %(at)s and (h.state not in ('closed', 'unsubstantiated') or h.closed_at > %(at)s)
        union all
        select i.unit_no, 0, 1, 0 from alarms.incident i
        where i.opened_at >= %(since)s and i.opened_at <= %(at)s and i.confirmed and i.kind = 'entrapment' and i.state <> 'merged'
        union all
        select a.unit_no, 0, 0, 1 from alarms.alarm a
        where a.severity = 'critical' and a.state <> 'normal' and not a.shadow and a.raised_at <= %(at)s
        union all  -- of a moment that is past: what is over by now and was not then
        select a.unit_no, 0, 0, 1 from alarms.alarm a
        where %(at)s < now() - interval '1 hour' and a.raised_at >= %(since)s and a.raised_at <= %(at)s
          and a.severity = 'critical' and a.state = 'normal' and not a.shadow and a.cleared_at > %(at)s
    ) x where x.unit_no is not null group by x.unit_no
) r
join equipment.unit u on u.no = r.unit_no
join equipment.jurisdiction j on j.id = u.jurisdiction_id
where u.status = 'in_use' and r.points >= 2 and starts_with(u.jurisdiction_path, %(path)s) and (%(kind)s = '' or u.kind = %(kind)s)
order by r.points desc, u.no limit 10;

-- name: possible_accidents
select i.number, i.id, i.opened_at, i.freed_at, i.state, u.id as unit_id, u.name as unit_name,
       coalesce(i.freed_at, %(at)s) - i.opened_at as trapped
from alarms.incident i left join equipment.unit u on u.no = i.unit_no
where i.confirmed and i.kind = 'entrapment' and i.state not in ('merged', 'cancelled', 'auto_cleared')
  and i.opened_at >= %(at)s - interval '60 days' and i.opened_at <= %(at)s
  and coalesce(i.freed_at, case when i.state = 'closed' then i.opened_at else %(at)s end) - i.opened_at >= interval '100 minutes'
  and not exists (select 1 from equipment.accident a where a.incident_number = i.number)
order by i.opened_at desc limit 20;

-- name: stage_units
select u.id, u.name, u.kind, u.rescue_code, u.address, j.name_zh as district_zh, j.name_en as district_en, f.name as firm_name,
       s.stage, b.{target} as before
from (select t.unit_no, t.{target} as stage from dashboards.unit_stage t
      where starts_with(t.jurisdiction_path, %(path)s) and (%(kind)s = '' or t.kind = %(kind)s) and {only}
      order by t.unit_no limit %(limit)s offset %(offset)s) s
join equipment.unit u on u.no = s.unit_no
join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join equipment.organisation f on f.id = u.firm_org_id
left join dashboards.month_stage b on b.unit_no = s.unit_no and b.month = %(month)s
order by s.unit_no;

-- name: take_cut
select dashboards.take_cut(%s);

-- name: due_to_make
select unit_no, facts from dashboards.due_to_make(%s);

-- name: due_units
select u.no, u.variety_code, u.kind, u.first_use_date from equipment.unit u where u.no = any(%s);

-- name: due_inspections
select i.unit_no, i.kind, i.performed_on, i.conclusion = 'passed' from equipment.inspection i
where i.unit_no = any(%s) and not exists (select 1 from equipment.inspection c where c.corrects = i.id)
order by i.unit_no, i.performed_on, i.id;

-- name: due_idle
select p.unit_no, lower(p.valid), upper(p.valid) from equipment.status_period p
where p.unit_no = any(%s) and p.value = 'stopped' and p.superseded_at is null order by p.unit_no, lower(p.valid);

-- name: put_due
insert into dashboards.unit_due (unit_no, facts, inspection_rule, inspection_on, inspection_recorded, self_test_rule, self_test_on,
    self_test_recorded, self_test_last)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (unit_no) do update set facts = excluded.facts, inspection_rule = excluded.inspection_rule,
    inspection_on = excluded.inspection_on, inspection_recorded = excluded.inspection_recorded,
    self_test_rule = excluded.self_test_rule, self_test_on = excluded.self_test_on, self_test_recorded = excluded.self_test_recorded,
    self_test_last = excluded.self_test_last;
