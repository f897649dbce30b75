-- name: columns
select i.id, i.number, i.unit_no, i.state, i.kind, i.severity, i.first_source, i.confirmed, i.trapped, i.injured,
       i.opened_at, i.reported_at, i.verify_by, i.accepted_at, i.accepted_by, i.dispatched_at, i.arrived_at, i.freed_at,
       i.called_back_at, i.closed_at, i.version, i.suspected_dead, i.serious_injuries, i.nature, i.departed_at, i.reassure_by,
       i.merged_into
from alarms.incident i

-- name: by_id_locked
where i.id = %s for update of i

-- name: by_id
where i.id = %s

-- name: open_of_unit
where i.unit_no = %(unit)s and i.nature = 'real'
  and i.state not in ('freed', 'called_back', 'closed', 'cancelled', 'auto_cleared', 'merged')
  and (i.kind in ('entrapment', 'unknown') or coalesce(i.touched_at, i.opened_at) >= %(since)s
       or i.kind = 'fault' and i.state in ('dispatched', 'answered', 'arrived'))
  and (not %(on_site)s or i.kind in ('entrapment', 'fault', 'unknown') or coalesce(i.touched_at, i.opened_at) >= %(since)s)
order by (i.kind in ('entrapment', 'unknown')) desc, i.id desc limit 1
for update of i

-- name: open_of_caller
where i.unit_no is null and i.nature = 'real' and i.state not in ('freed', 'called_back', 'closed', 'cancelled', 'auto_cleared', 'merged')
  and exists (select 1 from alarms.incident_source s join ingest.call_record c on s.source_kind = 'call' and c.id::text = s.source_id
              where s.incident_id = i.id and c.caller_phone = %s and c.reported_at >= %s)
order by i.id desc limit 1 for update of i

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
    suspected_dead, medical_rescue, major_incident, opened_at, reported_at, verify_by, accepted_at, accepted_by, split_from)
values (alarms.next_incident_number(%(day)s), %(unit_no)s, %(state)s, %(kind)s, %(severity)s, %(first_source)s,
    %(confirmed)s, %(place)s, %(trapped)s, %(injured)s, %(suspected_dead)s, %(medical_rescue)s, %(major_incident)s,
    %(opened_at)s, %(reported_at)s, %(verify_by)s, %(accepted_at)s, %(accepted_by)s, %(split_from)s)
returning id;

-- name: insert_source
insert into alarms.incident_source (incident_id, source_kind, source_id, unit_no, joined_at)
values (%s, %s, %s, %s, %s) on conflict do nothing returning incident_id;

-- name: insert_event
insert into alarms.incident_event (incident_id, unit_no, event, from_state, to_state, at, recorded_at, account_id,
    how_known, reason, detail)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: last_event
select e.event, e.recorded_at, alarms.actor_name(e.account_id) from alarms.incident_event e where e.incident_id = %s order by e.id desc limit 1;

-- name: events
select e.event, e.from_state, e.to_state, e.at, e.recorded_at, e.account_id, e.how_known, e.reason, e.detail
from alarms.incident_event e where e.incident_id = %s order by e.id;

-- The first time that each step was taken, and by whom; what opened it is 报警.
-- name: milestones
select distinct on (m.rank) m.name, e.at, e.recorded_at, e.account_id, alarms.actor_name(e.account_id), e.how_known
from alarms.incident_event e
join (values ('opened', 'reported', 0), ('dispatch', 'dispatched', 1), ('unanswered', 'dispatched', 1), ('depart', 'departed', 2),
             ('arrive', 'arrived', 3), ('free', 'freed', 4), ('self_release', 'freed', 4), ('call_back', 'called_back', 5),
             ('close', 'closed', 6), ('settle', 'closed', 6), ('cancel', 'closed', 6), ('merged', 'closed', 6),
             ('clear', 'closed', 6)) m(event, name, rank) on m.event = e.event
where e.incident_id = %s and (e.event <> 'clear' or e.to_state = 'auto_cleared')
order by m.rank, e.id;

-- name: unacknowledged_alarms
select a.id from alarms.incident_source s join alarms.alarm a on a.id = s.source_id and s.source_kind = 'alarm'
where s.incident_id = %s and a.state like '%%unacknowledged' order by a.id;

-- name: alarms_still_active
select count(*) from alarms.incident_source s join alarms.alarm a on a.id = s.source_id and s.source_kind = 'alarm'
where s.incident_id = %s and a.active;

-- name: unit_of
select u.id, u.name, u.firm_org_id, u.lon, u.lat, u.jurisdiction_id from equipment.unit u where u.no = %s;

-- Who is on duty by the roster (none at all: unknown), how many people wait for the station, and whether it was asked for
-- this incident before.
-- name: stations
select o.id, o.lon, o.lat,
       case when not exists (select 1 from equipment.duty_shift s where s.organisation_id = o.id and s.cancelled_at is null
                             and upper(s.span) > %(now)s::timestamptz - interval '30 days') then null
            else exists (select 1 from equipment.duty_shift s where s.organisation_id = o.id and s.cancelled_at is null
                         and s.span @> %(now)s::timestamptz) end as on_duty,
       (select count(*) from alarms.dispatch d join alarms.incident i on i.id = d.incident_id
        where d.organisation_id = o.id and d.ended_at is null and d.refused_at is null and d.escalated_at is null
          and i.id <> %(incident)s and i.state in ('dispatched', 'answered', 'arrived')) as busy,
       exists (select 1 from alarms.dispatch d where d.incident_id = %(incident)s and d.organisation_id = o.id) as asked
from equipment.organisation o where o.kind = 'rescue_station' order by o.id;

-- name: insert_dispatch
insert into alarms.dispatch (incident_id, unit_no, level, organisation_id, ordered_at, ordered_by, answer_by, arrive_by, choice)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: dispatch_of
select id from alarms.dispatch where id = %s and incident_id = %s for update;

-- name: place_of
select lon, lat from alarms.order_place(%s);

-- name: stop_paging
select alarms.stop_paging(%s, %s, %s);

-- name: end_orders
update alarms.dispatch set ended_at = %s where incident_id = %s and ended_at is null;

-- name: add_triage
update alarms.incident set triage = triage || %s where id = %s;

-- name: sources_of
select source_kind, source_id, unit_no from alarms.incident_source where incident_id = %s order by joined_at, source_kind, source_id;

-- name: move_source
update alarms.incident_source set incident_id = %s where source_kind = %s and source_id = %s;

-- name: newest_dispatch
select id, level, organisation_id, answered_at, arrived_at from alarms.dispatch
where incident_id = %s order by id desc limit 1 for update;

-- name: highest_level
select coalesce(max(level), 0) from alarms.dispatch where incident_id = %s;

-- name: mark_answered
update alarms.dispatch set answered_at = %s, answered_how = %s where id = %s and answered_at is null;

-- name: mark_departed
update alarms.dispatch set departed_at = %(at)s, answered_at = coalesce(answered_at, %(at)s), answered_how = coalesce(answered_how, %(how)s),
    departed_lon = %(lon)s, departed_lat = %(lat)s, departed_accuracy_m = %(accuracy)s
where id = %(id)s and departed_at is null;

-- name: mark_arrived
update alarms.dispatch set arrived_at = %(at)s, answered_at = coalesce(answered_at, %(at)s), answered_how = coalesce(answered_how, %(how)s),
    arrived_how = %(how)s, arrived_lon = %(lon)s, arrived_lat = %(lat)s, arrived_accuracy_m = %(accuracy)s, arrived_distance_m = %(metres)s
where id = %(id)s and arrived_at is null;

-- name: mark_refused
update alarms.dispatch set refused_at = %s, refused_reason = %s where id = %s;

-- name: mark_escalated
update alarms.dispatch set escalated_at = %s where id = %s and escalated_at is null;

-- An order nobody answers, refuses or comes for in time. While anybody is on his way no other is asked to answer.
-- name: orders_overdue
select d.incident_id, case when d.refused_at is not null then 'refused'
                           when d.answered_at is null and d.answer_by <= %(now)s then 'answer' else 'arrive' end, d.id
from alarms.dispatch d join alarms.incident i on i.id = d.incident_id
where d.escalated_at is null and d.arrived_at is null and d.ended_at is null and d.level < 3
  and i.state in ('dispatched', 'answered')
  and (d.refused_at is not null and not (select alarms.somebody_comes(d.incident_id))
       or (d.answered_at is null and d.answer_by <= %(now)s and not (select alarms.somebody_comes(d.incident_id)))
       or d.arrive_by <= %(now)s)
  and d.id = (select max(id) from alarms.dispatch where incident_id = d.incident_id)
order by d.id limit 100;

-- name: call
select id, unit_no, category, place, trapped, injured, suspected_dead, medical_rescue, major_incident, reported_at, closed_at,
       historical, source, entered_by, caller_phone
from ingest.call_record where id = %s;

-- name: move_sources
update alarms.incident_source set incident_id = %s where incident_id = %s;

-- name: pulse
select beat_at, incident_id, dispatch_id, notification_id from alarms.escalator_pulse where name = %s;

-- name: beat
insert into alarms.escalator_pulse (name, beat_at, incident_id, dispatch_id, notification_id)
select %(name)s, %(now)s, coalesce((select max(id) from alarms.incident), 0), coalesce((select max(id) from alarms.dispatch), 0),
       coalesce((select max(id) from alarms.notification), 0)
on conflict (name) do update set beat_at = excluded.beat_at, incident_id = excluded.incident_id, dispatch_id = excluded.dispatch_id,
    notification_id = excluded.notification_id;

-- name: shift_verification
update alarms.incident set verify_by = verify_by - %(step)s::interval, reassure_by = reassure_by - %(step)s::interval
where (id <= %(incident)s or opened_at > %(now)s) and state in ('verifying', 'accepted', 'dispatched', 'answered', 'arrived');

-- name: shift_orders
update alarms.dispatch set answer_by = answer_by - %(step)s::interval, arrive_by = arrive_by - %(step)s::interval
where (id <= %(dispatch)s or ordered_at > %(now)s) and arrived_at is null and escalated_at is null and ended_at is null;

-- name: shift_notifications
update alarms.notification set next_at = next_at - %(step)s::interval
where (id <= %(notification)s or created_at > %(now)s) and state in ('pending', 'sending');
