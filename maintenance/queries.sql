-- name: lock_firm
select pg_advisory_xact_lock(hashtextextended('filing:' || %s::text, 0));

-- name: records_of_keys
select idempotency_key, id, digest, received_at from maintenance.record
where firm_org_id = %s and idempotency_key = any(%s);

-- name: units_of_firm
select no, id, variety_code from equipment.unit where firm_org_id = %s and id = any(%s);

-- name: sheets
select r.id, r.content, r.state, f.name, r.started_at, r.ended_at, r.digest,
       (select e.seq from equipment.log_entry e where e.kind = 'record' and e.subject = r.id::text)
from maintenance.record r join equipment.unit u on u.no = r.unit_no left join equipment.organisation f on f.id = r.firm_org_id
where u.id = %(unit)s order by r.ended_at desc limit %(limit)s;

-- name: lifts_of_firm
select id, rescue_code, variety_code from equipment.unit where firm_org_id = %s;

-- name: add_items
select maintenance.add_record_items(%s::uuid[], %s::text[], %s::text[], %s::float8[], %s::text[]);

-- name: leads_of_record
select id from maintenance.lead where source_kind = 'record_item' and source_id like %s order by id;

-- name: insert_record
insert into maintenance.record (id, unit_no, firm_org_id, idempotency_key, level, template, workers, started_at, ended_at,
    submitted_at, received_at, state, corrects, content, digest, failed_items, seal_key_id, seal)
values (%(id)s, %(unit_no)s, %(firm)s, %(key)s, %(level)s, %(template)s, %(workers)s, %(started_at)s, %(ended_at)s,
    %(submitted_at)s, %(received_at)s, 'submitted', %(corrects)s, %(content)s, %(digest)s, %(failed)s, %(seal_key)s, %(seal)s);

-- name: certificates
select certificate_no, name, certificate_valid_to from equipment.person
where organisation_id = %s and certificate_no = any(%s);

-- name: lock_record
select r.unit_no, r.state, r.firm_org_id, u.id from maintenance.record r join equipment.unit u on u.no = r.unit_no
where r.id = %s for update of r;

-- name: record_exists
select 1 from maintenance.record where id = %s;

-- name: set_record_state
update maintenance.record set state = %s, confirmed_at = %s, confirmed_by = %s, dispute_reason = %s where id = %s;

-- name: open_lead
insert into maintenance.lead (unit_no, source_kind, source_id, cause, state, urgent, suggested_grade, suggested_clause,
    summary, evidence, opened_at, last_seen_at, deadline)
values (%(unit_no)s, %(source_kind)s, %(source_id)s, %(cause)s, 'pending', %(urgent)s, %(grade)s, %(clause)s, %(summary)s,
    %(evidence)s, %(at)s, %(at)s, %(deadline)s)
on conflict (unit_no, cause) where state = 'pending' do nothing
returning id;

-- name: join_lead
update maintenance.lead set occurrences = occurrences + 1, last_seen_at = greatest(last_seen_at, %(at)s),
    urgent = urgent or %(urgent)s, deadline = case when %(urgent)s and not urgent then least(deadline, %(deadline)s) else deadline end
where unit_no = %(unit_no)s and cause = %(cause)s and state = 'pending'
returning id;

-- name: lock_lead
select l.id, l.unit_no, l.state, l.summary, l.suggested_grade, l.suggested_clause, u.id, u.jurisdiction_path
from maintenance.lead l join equipment.unit u on u.no = l.unit_no where l.id = %s for update of l;

-- name: decide_lead
update maintenance.lead set state = %s, decided_at = %s, decided_by = %s, decision_reason = %s, hazard_id = %s where id = %s;

-- name: leads
select l.id, u.id, l.source_kind, l.cause, l.state, l.urgent, l.suggested_grade, l.suggested_clause, l.summary, l.evidence,
       l.occurrences, l.opened_at, l.last_seen_at, l.deadline, l.hazard_id
from maintenance.lead l join equipment.unit u on u.no = l.unit_no
where (%(state)s = '' or l.state = %(state)s) and l.id > %(after)s order by l.id limit %(limit)s;

-- name: open_hazard_of_cause
select h.id from maintenance.hazard h join maintenance.lead l on l.id = h.lead_id
where h.unit_no = %s and l.cause = %s and h.state not in ('closed', 'unsubstantiated') limit 1;

-- name: insert_hazard
insert into maintenance.hazard (number, unit_no, lead_id, state, grade, clause, stop_use, description, opened_at, opened_by)
values (maintenance.next_hazard_number(%(district)s, %(year)s), %(unit_no)s, %(lead_id)s, 'listed', %(grade)s, %(clause)s,
    %(stop_use)s, %(description)s, %(now)s, %(by)s)
returning id, number;

-- name: hazard_columns
select h.id, h.number, h.unit_no, u.id, h.lead_id, h.state, h.grade, h.clause, h.stop_use, h.description,
       h.responsible_org_id, h.measures, h.due_at, h.opened_at, h.opened_by, h.closed_at, h.version
from maintenance.hazard h join equipment.unit u on u.no = h.unit_no

-- name: hazard_locked
where h.id = %s for update of h

-- name: hazard_by_id
where h.id = %s

-- name: hazards_of_state
where (%(state)s = '' or h.state = %(state)s or (%(state)s = 'open' and h.state not in ('closed', 'unsubstantiated')))
  and h.id > %(after)s order by h.id limit %(limit)s

-- name: who_applied
select account_id from maintenance.hazard_event where hazard_id = %s and event = 'apply' order by id desc limit 1;

-- name: alarms_of_unit_and_rule
select count(*), min(raised_at), array_agg(id order by raised_at desc) from alarms.alarm
where unit_no = %s and rule = %s and raised_at > %s and not shadow;

-- name: overdue_leads
select id, unit_no from maintenance.lead
where state = 'pending' and urgent and deadline <= %s and not overdue_told order by deadline limit 200 for update skip locked;

-- name: tell_overdue
update maintenance.lead set overdue_told = true where id = %s;
