-- name: open_work
select 'incident', number, state, opened_at, null::timestamptz from alarms.incident
where unit_no = %(unit)s and state not in ('closed', 'cancelled', 'auto_cleared', 'merged')
union all
select 'lead', id::text, state, opened_at, deadline from maintenance.lead where unit_no = %(unit)s and state = 'pending'
union all
select 'hazard', number, state, opened_at, due_at from maintenance.hazard
where unit_no = %(unit)s and state not in ('closed', 'unsubstantiated')
union all
select 'firm_change', id::text, state, claimed_at, object_by from equipment.firm_change
where unit_no = %(unit)s and state in ('claimed', 'confirmed', 'objected', 'cleared')
order by 4;
