-- name: lock_firm
select pg_advisory_xact_lock(hashtextextended('filing:' || %s::text, 0));

-- name: records_of_keys
select idempotency_key, id, digest, received_at from maintenance.record
where firm_org_id = %s and idempotency_key = any(%s);

-- name: units_of_firm
select no, id, variety_code from equipment.unit where firm_org_id = %s and id = any(%s);

-- name: overlapping
select w.key, o.id
from unnest(%(keys)s::text[], %(units)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(corrects)s::uuid[])
    as w(key, unit, started, ended, corrects)
join equipment.unit u on u.id = w.unit
cross join lateral (
    select r.id from maintenance.record r
    where r.unit_no = u.no and r.ended_at > w.started and r.started_at < w.ended and r.state <> 'corrected'
      and r.idempotency_key <> w.key and r.id is distinct from w.corrects
    order by r.ended_at limit 1
) o;

-- name: sheets
select r.id, r.content, r.state, f.name, r.started_at, r.ended_at, r.digest,
       (select e.seq from equipment.log_entry e where e.kind = 'record' and e.subject = r.id::text), r.template
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
insert into maintenance.lead (unit_no, org_id, source_kind, source_id, cause, state, urgent, suggested_grade, suggested_clause,
    summary, evidence, opened_at, last_seen_at, deadline)
values (%(unit_no)s, %(org_id)s, %(source_kind)s, %(source_id)s, %(cause)s, 'pending', %(urgent)s, %(grade)s, %(clause)s, %(summary)s,
    %(evidence)s, %(at)s, %(at)s, %(deadline)s)
on conflict (coalesce(unit_no, 0), coalesce(org_id, 0), cause) where state = 'pending' do nothing
returning id;

-- name: join_lead
update maintenance.lead set occurrences = occurrences + 1, answered_at = null, last_seen_at = greatest(last_seen_at, %(at)s),
    urgent = urgent or %(urgent)s, deadline = case when %(urgent)s and not urgent then least(deadline, %(deadline)s) else deadline end
where coalesce(unit_no, 0) = coalesce(%(unit_no)s::integer, 0) and coalesce(org_id, 0) = coalesce(%(org_id)s::bigint, 0)
  and cause = %(cause)s and state = 'pending'
returning id;

-- name: answer_lead
update maintenance.lead set answered_at = %s where id = %s and answered_at is null returning id;

-- name: lock_lead
select l.id, l.unit_no, l.state, l.summary, l.suggested_grade, l.suggested_clause, l.org_id, l.jurisdiction_path,
       l.source_kind, l.last_seen_at, (select u.kind from equipment.unit u where u.no = l.unit_no),
       maintenance.actor_name(l.decided_by), l.decided_at
from maintenance.lead l where l.id = %s for update;

-- name: count_lead
update maintenance.lead set occurrences = occurrences + 1, last_seen_at = greatest(last_seen_at, %s) where id = %s;

-- name: finding_known
select 1 from maintenance.lead where unit_no = %(unit_no)s and source_id = %(finding)s
union all
select 1 from maintenance.lead_event e join maintenance.lead l on l.id = e.lead_id
where l.unit_no = %(unit_no)s and e.event = 'joined' and e.detail ->> 'source_id' = %(finding)s
limit 1;

-- name: finding_of_organisation_known
select 1 from maintenance.lead where org_id = %(org_id)s and source_id = %(finding)s
union all
select 1 from maintenance.lead_event e join maintenance.lead l on l.id = e.lead_id
where l.org_id = %(org_id)s and e.event = 'joined' and e.detail ->> 'source_id' = %(finding)s
limit 1;

-- name: mark_answered_of_organisation
update maintenance.lead set answered_at = %s
where org_id = %s and state = 'pending' and answered_at is null and source_kind = 'missed_duty' and not cause = any(%s)
returning id, summary;

-- name: mark_answered
update maintenance.lead set answered_at = %s
where unit_no = %s and state = 'pending' and answered_at is null and source_kind like 'overdue\_%%' and not cause = any(%s)
returning id, summary;

-- name: unit_no_of
select no, kind from equipment.unit where id = %s;

-- name: repeated_entrapments
select unit_no, count(*), array_agg(number order by id desc) from alarms.incident
where kind = 'entrapment' and confirmed and unit_no is not null and state not in ('cancelled', 'merged', 'auto_cleared')
  and opened_at > %(now)s - make_interval(days => %(days)s)
group by unit_no having count(*) >= %(times)s order by unit_no;

-- name: visits_of_unit
select level, max((ended_at at time zone 'Asia/Shanghai')::date) from maintenance.record
where unit_no = %s and state <> 'corrected' group by level;

-- name: ensure_scan
insert into maintenance.scan_cursor (name, after_no, day) values (%s, 0, %s) on conflict do nothing;

-- name: lock_scan
select after_no, day from maintenance.scan_cursor where name = %s for update skip locked;

-- name: units_to_scan
select no from equipment.unit where no > %s and status in ('in_use', 'unregistered') order by no limit %s;

-- name: advance_scan
update maintenance.scan_cursor set after_no = %s, day = %s where name = %s;

-- name: decide_lead
update maintenance.lead set state = %s, decided_at = %s, decided_by = %s, decision_reason = %s, hazard_id = %s where id = %s;

-- name: leads
select l.id, u.id, l.org_id, l.source_kind, l.cause, l.state, l.urgent, l.suggested_grade, l.suggested_clause, l.summary, l.evidence,
       l.occurrences, l.opened_at, l.last_seen_at, l.deadline, l.answered_at, l.hazard_id
from maintenance.lead l left join equipment.unit u on u.no = l.unit_no
where (%(state)s = '' or l.state = %(state)s) and l.id > %(after)s order by l.id limit %(limit)s;

-- name: open_hazard_of_cause
select h.id, h.state, h.lead_id from maintenance.hazard h
where h.state not in ('closed', 'unsubstantiated') and h.cause = %(cause)s and h.lead_id is not null
  and h.unit_no is not distinct from %(unit_no)s::integer and h.org_id is not distinct from %(org_id)s::bigint
order by h.id limit 1 for update;

-- name: insert_hazard
insert into maintenance.hazard (number, unit_no, org_id, lead_id, state, grade, clause, stop_use, description, opened_at,
    opened_by, step_due_at, source_kind, cause)
select maintenance.next_hazard_number(%(district)s, %(year)s), %(unit_no)s, %(org_id)s, l.id, 'listed', %(grade)s, %(clause)s,
    %(stop_use)s, %(description)s, %(now)s, %(by)s, %(step_due)s, l.source_kind, l.cause
from maintenance.lead l where l.id = %(lead_id)s
returning id, number;

-- name: hazard_columns
select h.id, h.number, h.unit_no, u.id, h.org_id, h.lead_id, h.source_kind, h.state, h.grade, h.clause, h.stop_use, h.description,
       h.responsible_org_id, h.responsible_person, h.measures, h.funds, h.plan, h.due_at, h.opened_at, h.opened_by, h.closed_at,
       h.overdue_at, h.step_due_at, h.step_late, h.supervised_at, h.extension_until, h.notices, h.reopened, h.look_back,
       h.self_closed, h.risk_colour, h.version, h.jurisdiction_path, u.kind, h.cause
from maintenance.hazard h left join equipment.unit u on u.no = h.unit_no

-- name: hazard_locked
where h.id = %s for update of h

-- name: hazard_by_id
where h.id = %s

-- name: hazards_found
join maintenance.find_hazards(%(wanted)s, %(size)s, %(after)s) with ordinality f(id, place) on f.id = h.id order by f.place

-- name: parties_of
select firm_org_id, use_org_id, org_id from maintenance.hazard where id = %s;

-- name: who_applied
select account_id from maintenance.hazard_event where hazard_id = %s and event = 'apply' order by id desc limit 1;

-- name: inspected_by_another
select 1 from maintenance.hazard_event where hazard_id = %s and event = 'inspect' and account_id <> %s
  and id > (select max(a.id) from maintenance.hazard_event a where a.hazard_id = %s and a.event = 'apply')
limit 1;

-- name: last_event
select coalesce(maintenance.actor_name(e.account_id), '系统'), e.event, e.at from maintenance.hazard_event e where e.hazard_id = %s order by e.id desc limit 1;

-- name: request_done
select 1 from maintenance.hazard_event where hazard_id = %s and account_id = %s and evidence ->> 'request' = %s limit 1;

-- name: photo_stages
select distinct stage from maintenance.evidence_file where hazard_id = %s and media_type like 'image/%%';

-- name: verifying_record
select level, ended_at::text, encode(digest, 'hex'), confirmed_at::text from maintenance.record
where id = %(record)s and unit_no = %(unit_no)s and state = 'confirmed'
  and ended_at > greatest(%(opened_at)s, (select l.last_seen_at from maintenance.lead l where l.id = %(lead)s))
  and (%(item)s = '' or exists (select 1 from jsonb_array_elements(content -> 'items') i
                                where i ->> 'id' = %(item)s and i ->> 'result' in ('pass', 'fixed')));

-- name: set_risk
update maintenance.hazard set risk = %s, risk_colour = %s where id = %s;

-- name: files_count
select (select count(*) from maintenance.evidence_file f where f.hazard_id = h.id) from maintenance.hazard h where h.id = %s;

-- name: insert_file
insert into maintenance.evidence_file (hazard_id, stage, media_type, bytes, sha256, data, uploaded_at, uploaded_by)
values (%(hazard_id)s, %(stage)s, %(media_type)s, %(size)s, %(sha256)s, %(data)s, %(at)s, %(by)s)
on conflict (hazard_id, stage, sha256) do nothing;

-- name: files_of
select f.id, f.stage, f.media_type, f.bytes, encode(f.sha256, 'hex'), f.uploaded_at,
       maintenance.actor_name(f.uploaded_by)
from maintenance.evidence_file f where f.hazard_id = %s order by f.id;

-- name: file_content
select media_type, data from maintenance.evidence_file where hazard_id = %s and id = %s;

-- name: hazards_overdue
select id, unit_no, state, due_at from maintenance.hazard
where state in ('handed_over', 'receipted', 'rectifying') and due_at < %(now)s and overdue_at is null
order by due_at limit 200 for update skip locked;

-- name: mark_overdue
update maintenance.hazard set overdue_at = %(now)s, version = version + 1 where id = %(id)s;

-- name: steps_late
select id, unit_no, state, step_due_at from maintenance.hazard
where (state not in ('closed', 'unsubstantiated') or look_back = 'due') and step_due_at < %(now)s and not step_late
order by step_due_at limit 200 for update skip locked;

-- name: mark_step_late
update maintenance.hazard set step_late = true where id = %(id)s;

-- name: alarms_of_unit_and_rule
select count(*), min(raised_at), array_agg(id order by raised_at desc) from alarms.alarm
where unit_no = %s and rule = %s and raised_at > %s and not shadow;

-- name: overdue_leads
select id, unit_no, urgent, overdue_times from maintenance.lead
where state = 'pending' and deadline <= %(now)s
  and (overdue_told_at is null or (urgent and overdue_told_at <= %(again)s))
order by deadline limit 200 for update skip locked;

-- name: tell_overdue
update maintenance.lead set overdue_told = true, overdue_told_at = %s, overdue_times = overdue_times + 1 where id = %s;
