-- name: organisations_to_scan
select o.id from equipment.organisation o
where o.id > %s and exists (select 1 from maintenance.duty_report r where r.use_org_id = o.id)
order by o.id limit %s;

-- name: began
select least(min(period_on), min(equipment.shanghai_day(received_at))) from maintenance.duty_report where use_org_id = %s;

-- name: days
select d.day, count(*), count(*) filter (where not exists (
    select 1 from maintenance.duty_unit c where c.unit_no = s.unit_no and c.day = d.day))
from (select day::date from generate_series(%(since)s::date, %(until)s::date, interval '1 day') day) d
join equipment.unit_segment s on s.use_org_id = %(org)s and s.valid_from <= d.day and d.day < s.valid_to
    and s.status = 'in_use' and s.kind in ('lift', 'escalator')
group by d.day order by d.day;
