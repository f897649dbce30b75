-- name: insert_hazard_event
insert into maintenance.hazard_event (hazard_id, unit_no, event, from_state, to_state, at, account_id, reason, evidence)
values (%(hazard_id)s, %(unit_no)s, %(event)s, %(from_state)s, %(to_state)s, %(at)s, %(account_id)s, %(reason)s, %(evidence)s)
returning id;

-- name: insert_lead_event
insert into maintenance.lead_event (lead_id, unit_no, event, at, account_id, reason, detail)
values (%(lead_id)s, %(unit_no)s, %(event)s, %(at)s, %(account_id)s, %(reason)s, %(detail)s)
returning id;

-- name: records
select id::text, content from maintenance.record where id = any(%s::uuid[]);

-- name: hazard_events
select id, hazard_id, unit_no, event, from_state, to_state, at, account_id, reason, evidence
from maintenance.hazard_event where id = any(%s);

-- name: lead_events
select id, lead_id, unit_no, event, at, account_id, reason, detail from maintenance.lead_event where id = any(%s);

-- name: record_positions
select e.seq, r.id::text, r.content from maintenance.record r
join equipment.log_entry e on e.kind = 'record' and e.subject = r.id::text
where r.id = any(%(ids)s::uuid[]) order by e.seq;

-- name: records_of_unit
select r.id::text from maintenance.record r join equipment.unit u on u.no = r.unit_no where u.id = %s order by r.ended_at;
