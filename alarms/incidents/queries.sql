-- name: columns
select i.id, i.number, i.unit_no, i.state, i.kind, i.severity, i.first_source, i.confirmed, i.trapped, i.injured,
       i.opened_at, i.reported_at, i.verify_by, i.accepted_at, i.accepted_by, i.dispatched_at, i.arrived_at, i.freed_at,
       i.called_back_at, i.closed_at, i.version
from alarms.incident i

-- name: by_id_locked
where i.id = %s for update of i

-- name: by_id
where i.id = %s

-- name: open_of_unit
where i.unit_no = %s and i.state not in ('freed', 'called_back', 'closed', 'cancelled', 'auto_cleared', 'merged')
for update of i

-- name: open_ones
where i.state not in ('closed', 'cancelled', 'auto_cleared', 'merged') order by i.opened_at desc limit %s

-- name: recent_ones
order by i.opened_at desc limit %s

-- name: of_source
where i.id = (select incident_id from alarms.incident_source where source_kind = %s and source_id = %s)
for update of i

-- name: verification_overdue
where i.state = 'verifying' and i.verify_by <= %s order by i.verify_by limit 100 for update of i skip locked

-- name: insert_incident
insert into alarms.incident (number, unit_no, state, kind, severity, first_source, confirmed, place, trapped, injured,
    suspected_dead, medical_rescue, major_incident, opened_at, reported_at, verify_by, accepted_at, accepted_by)
values (alarms.next_incident_number(%(day)s), %(unit_no)s, %(state)s, %(kind)s, %(severity)s, %(first_source)s,
    %(confirmed)s, %(place)s, %(trapped)s, %(injured)s, %(suspected_dead)s, %(medical_rescue)s, %(major_incident)s,
    %(opened_at)s, %(reported_at)s, %(verify_by)s, %(accepted_at)s, %(accepted_by)s)
on conflict do nothing
returning id;

-- name: insert_source
insert into alarms.incident_source (incident_id, source_kind, source_id, unit_no, joined_at)
values (%s, %s, %s, %s, %s) on conflict do nothing returning incident_id;

-- name: insert_event
insert into alarms.incident_event (incident_id, unit_no, event, from_state, to_state, at, recorded_at, account_id,
    how_known, reason, detail)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: last_event
select e.event, e.recorded_at, a.display_name from alarms.incident_event e
left join equipment.account a on a.id = e.account_id where e.incident_id = %s order by e.id desc limit 1;

-- name: events
select e.event, e.from_state, e.to_state, e.at, e.recorded_at, e.account_id, e.how_known, e.reason, e.detail
from alarms.incident_event e where e.incident_id = %s order by e.id;

-- name: unacknowledged_alarms
select a.id from alarms.incident_source s join alarms.alarm a on a.id = s.source_id and s.source_kind = 'alarm'
where s.incident_id = %s and a.state like '%%unacknowledged' order by a.id;

-- name: alarms_still_active
select count(*) from alarms.incident_source s join alarms.alarm a on a.id = s.source_id and s.source_kind = 'alarm'
where s.incident_id = %s and a.active;

-- name: unit_of
select u.id, u.name, u.firm_org_id, u.lon, u.lat from equipment.unit u where u.no = %s;

-- name: stations
select id, lon, lat from equipment.organisation where kind = 'rescue_station' order by id;

-- name: insert_dispatch
insert into alarms.dispatch (incident_id, unit_no, level, organisation_id, ordered_at, ordered_by, answer_by, arrive_by)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: newest_dispatch
select id, level, organisation_id, answered_at, arrived_at from alarms.dispatch
where incident_id = %s order by id desc limit 1 for update;

-- name: highest_level
select coalesce(max(level), 0) from alarms.dispatch where incident_id = %s;

-- name: mark_answered
update alarms.dispatch set answered_at = %s where id = %s and answered_at is null;

-- name: mark_arrived
update alarms.dispatch set arrived_at = %s, answered_at = coalesce(answered_at, %s) where id = %s;

-- name: mark_refused
update alarms.dispatch set refused_at = %s where id = %s;

-- name: mark_escalated
update alarms.dispatch set escalated_at = %s where id = %s and escalated_at is null;

-- name: orders_overdue
select d.incident_id, case when d.refused_at is not null then 'refused'
                           when d.answered_at is null and d.answer_by <= %(now)s then 'answer' else 'arrive' end
from alarms.dispatch d join alarms.incident i on i.id = d.incident_id
where d.escalated_at is null and d.arrived_at is null and d.level < 3
  and i.state in ('dispatched', 'answered')
  and (d.refused_at is not null or (d.answered_at is null and d.answer_by <= %(now)s) or d.arrive_by <= %(now)s)
  and d.id = (select max(id) from alarms.dispatch where incident_id = d.incident_id)
order by d.id limit 100;

-- name: call
select id, unit_no, category, place, trapped, injured, suspected_dead, medical_rescue, major_incident, reported_at, closed_at,
       historical, source, entered_by
from ingest.call_record where id = %s;

-- name: move_sources
update alarms.incident_source set incident_id = %s where incident_id = %s;
