-- name: insert_inspection
insert into equipment.inspection (unit_no, kind, performed_on, conclusion, body_org_id, report_no, recorded_at, account_id)
select u.no, %s, %s, %s, %s, %s, %s, %s from equipment.unit u where u.id = %s returning id;

-- name: inspections
select i.kind, i.performed_on, i.conclusion = 'passed', i.report_no, o.name
from equipment.inspection i left join equipment.organisation o on o.id = i.body_org_id
where i.unit_no = %s and not exists (select 1 from equipment.inspection c where c.corrects = i.id) order by i.performed_on, i.id;
