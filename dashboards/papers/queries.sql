-- name: outage_units
-- plate, place and the phones of those who come; the shifts of the day before the organisation's own number
select u.rescue_code, u.name, concat_ws(' ', u.place_name, u.building, u.entrance) as place, u.address,
       f.name as firm, coalesce(s.phones, f.duty_phone) as firm_phones, o.name as use_unit, o.duty_phone as use_unit_phone
from equipment.unit u
left join equipment.organisation f on f.id = u.firm_org_id
left join equipment.organisation o on o.id = u.use_org_id
left join (select d.organisation_id, string_agg(distinct p.name || ' ' || d.phone, '，') as phones
           from equipment.duty_shift d join equipment.person p on p.id = d.person_id
           where d.cancelled_at is null and d.span && tstzrange(%(since)s, %(until)s)
           group by d.organisation_id) s on s.organisation_id = f.id
where u.status = 'in_use' and u.kind in ('lift', 'escalator')
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%')
order by u.rescue_code nulls last, u.address, u.no;

-- name: outage_stations
select o.name, coalesce(s.phones, o.duty_phone) as phones, coalesce(j.name_zh, '') as district
from equipment.organisation o
left join equipment.jurisdiction j on j.id = o.jurisdiction_id
left join (select d.organisation_id, string_agg(distinct p.name || ' ' || d.phone, '，') as phones
           from equipment.duty_shift d join equipment.person p on p.id = d.person_id
           where d.cancelled_at is null and d.span && tstzrange(%(since)s, %(until)s)
           group by d.organisation_id) s on s.organisation_id = o.id
where o.kind = 'rescue_station' order by o.name;

-- name: districts
select j.id, j.name_zh from equipment.jurisdiction j where j.kind = 'district' order by j.id;

-- name: shift_open
select i.number, i.kind, i.state, coalesce(u.name, i.place) as place, i.trapped, coalesce(i.reported_at, i.opened_at) as began,
       d.level, o.name as organisation, alarms.seat_name(i.accepted_by) as seat, i.accepted_by
from alarms.incident i
left join equipment.unit u on u.no = i.unit_no
left join lateral (select * from alarms.dispatch d where d.incident_id = i.id order by d.id desc limit 1) d on true
left join equipment.organisation o on o.id = d.organisation_id
where i.state not in ('closed', 'cancelled', 'auto_cleared', 'merged')
order by array_position(array['critical', 'high', 'medium', 'low'], i.severity), began;

-- name: shift_done
select i.number, i.kind, i.state, coalesce(u.name, i.place) as place, coalesce(i.reported_at, i.opened_at) as began,
       i.arrived_at, i.freed_at, i.closed_at, i.cause_code, i.nature
from alarms.incident i left join equipment.unit u on u.no = i.unit_no
where i.closed_at >= %(since)s and i.closed_at < %(until)s and i.state <> 'merged' order by i.closed_at, i.id;

-- name: shift_missed
select coalesce(c.caller, '') as caller, c.rang_at from alarms.phone_call c
where (c.state = 'abandoned' or c.dropped) and c.returned_at is null order by c.rang_at;

-- name: shift_counts
select (select count(*) from alarms.incident where opened_at >= %(since)s and opened_at < %(until)s and state <> 'merged') as opened,
       (select count(*) from alarms.alarm where state like '%%unacknowledged' and not shadow) as unacknowledged,
       (select count(*) from alarms.alarm where state = 'shelved' and not shadow) as shelved,
       (select count(*) from alarms.alarm where state = 'out_of_service' and not shadow) as out_of_service,
       (select count(*) from alarms.storm where ended_at is null) as storms,
       (select count(*) from equipment.unit u left join ingest.unit_state s on s.unit_no = u.no
        where u.device_model is not null and u.status = 'in_use' and s.online is not true) as offline;

-- name: shift_tasks
select t.kind, t.opened_at, t.due_at, coalesce(u.name, o.name, '') as about
from alarms.desk_task t left join equipment.unit u on u.no = t.unit_no left join equipment.organisation o on o.id = t.organisation_id
where t.closed_at is null order by t.due_at nulls last, t.opened_at;

-- name: insert_handover
insert into dashboards.shift_handover (since, until, document, notes, jurisdiction_path, given_by, given_at)
values (%s, %s, %s, %s, %s, %s, %s) returning id;

-- name: receive_handover
update dashboards.shift_handover set received_by = %s, received_at = %s, remark = %s
where id = %s and received_at is null and given_by <> %s returning id;

-- name: handovers
select h.id, h.since, h.until, h.notes, h.given_at, h.received_at, h.remark, h.given_by, coalesce(alarms.seat_name(h.given_by), '坐席 ' || h.given_by) as giver, coalesce(alarms.seat_name(h.received_by), '坐席 ' || h.received_by) as receiver
from dashboards.shift_handover h
order by h.id desc limit 30;

-- name: handover
select h.id, h.document, h.given_at, h.received_at from dashboards.shift_handover h where h.id = %s;
