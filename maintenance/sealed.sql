-- name: insert_hazard_event
insert into maintenance.hazard_event (hazard_id, unit_no, event, from_state, to_state, at, account_id, reason, evidence)
values (%(hazard_id)s, %(unit_no)s, %(event)s, %(from_state)s, %(to_state)s, %(at)s, %(account_id)s, %(reason)s, %(evidence)s)
returning id;

-- name: insert_lead_event
insert into maintenance.lead_event (lead_id, unit_no, event, at, account_id, reason, detail)
values (%(lead_id)s, %(unit_no)s, %(event)s, %(at)s, %(account_id)s, %(reason)s, %(detail)s)
returning id;

-- name: insert_finding_event
insert into maintenance.finding_event (finding_id, record_id, unit_no, firm_org_id, event, at, account_id, who, said, detail)
values (%(finding_id)s, %(record_id)s, %(unit_no)s, %(firm_org_id)s, %(event)s, %(at)s, %(account_id)s, %(who)s, %(said)s, %(detail)s)
returning id;

-- name: duties
select id::text, content from maintenance.duty_report where id = any(%s);

-- name: finding_events
select id, finding_id, record_id::text as record_id, unit_no, firm_org_id, event, at, account_id, who, said, detail
from maintenance.finding_event where id = any(%s);

-- name: records
select id::text, content::text from maintenance.record where id = any(%s::uuid[]);

-- name: hazard_events
select id, hazard_id, unit_no, event, from_state, to_state, at, account_id, reason, evidence
from maintenance.hazard_event where id = any(%s);

-- name: lead_events
select id, lead_id, unit_no, event, at, account_id, reason, detail from maintenance.lead_event where id = any(%s);

-- name: record_positions
select e.seq, r.id::text, r.content from maintenance.record r
join equipment.log_entry e on e.kind = 'record' and e.subject = r.id::text
where r.id = any(%(ids)s::uuid[]) order by e.seq;

-- name: hazard_positions
select e.seq, h.id::text, h.hazard_id, h.unit_no, h.event, h.from_state, h.to_state, h.at, h.account_id, h.reason, h.evidence
from maintenance.hazard_event h left join equipment.log_entry e on e.kind = 'hazard' and e.subject = h.id::text
where h.hazard_id = %s order by e.seq;

-- name: records_of_unit
select r.id::text from maintenance.record r join equipment.unit u on u.no = r.unit_no where u.id = %s order by r.ended_at;

-- name: record_to_sign
select unit_no, digest, state from maintenance.record where id = %s;

-- name: insert_signature
insert into maintenance.record_signature (record_id, unit_no, role, account_id, signer, digest, method, device, device_time,
    received_at)
values (%(record_id)s, %(unit_no)s, %(role)s, %(account_id)s, %(signer)s, %(digest)s, %(method)s, %(device)s,
    %(device_time)s, %(received_at)s)
on conflict (record_id, role, account_id) do nothing
returning id;

-- name: signatures
select role, signer, account_id, encode(digest, 'hex'), method, device, device_time, received_at
from maintenance.record_signature where record_id = %s order by id;

-- name: signature_entries
select id, record_id::text as record_id, unit_no, role, account_id, signer, encode(digest, 'hex') as digest, method, device,
       device_time, received_at
from maintenance.record_signature where id = any(%s);

-- name: positions
select subject, seq from equipment.log_entry where kind = 'record' and subject = any(%s);
