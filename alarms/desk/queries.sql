-- name: columns
select c.id, c.source, c.external_id, c.caller, c.called, c.state, c.rang_at, c.claimed_at, c.claimed_by, c.seen_at, c.ended_at,
       c.dropped, c.returned_at, c.unit_no, c.incident_id, c.version, alarms.actor_name(c.claimed_by), i.number
from alarms.phone_call c left join alarms.incident i on i.id = c.incident_id

-- name: by_id
where c.id = %s

-- name: by_id_locked
where c.id = %s for update of c

-- name: by_external
where c.source = %s and c.external_id = %s for update of c

-- name: open_ones
where c.state in ('ringing', 'claimed') and c.direction = 'in' order by c.rang_at limit 200

-- name: missed_ones
where (c.state = 'abandoned' or c.dropped) and c.returned_at is null order by c.rang_at limit 200

-- name: lock_call
select pg_advisory_xact_lock(hashtextextended(%s, 0));

-- name: delivery_known
select 1 from alarms.phone_call_event where delivery = %s;

-- name: insert_call
insert into alarms.phone_call (source, external_id, caller, called, state, rang_at, received_at)
values (%s, %s, %s, %s, %s, %s, %s) returning id;

-- name: change
update alarms.phone_call set version = version + 1,
    state = case when %(set_state)s then %(state)s else state end,
    caller = case when %(set_caller)s then %(caller)s else caller end,
    claimed_at = case when %(set_claimed_at)s then %(claimed_at)s::timestamptz else claimed_at end,
    claimed_by = case when %(set_claimed_by)s then %(claimed_by)s::bigint else claimed_by end,
    seen_at = case when %(set_seen_at)s then %(seen_at)s::timestamptz else seen_at end,
    ended_at = case when %(set_ended_at)s then %(ended_at)s::timestamptz else ended_at end,
    dropped = case when %(set_dropped)s then %(dropped)s::boolean else dropped end,
    returned_at = case when %(set_returned_at)s then %(returned_at)s::timestamptz else returned_at end,
    returned_by = case when %(set_returned_by)s then %(returned_by)s::bigint else returned_by end,
    return_result = case when %(set_return_result)s then %(return_result)s else return_result end,
    incident_id = case when %(set_incident_id)s then %(incident_id)s::bigint else incident_id end,
    call_record_id = case when %(set_call_record_id)s then %(call_record_id)s::bigint else call_record_id end
where id = %(id)s;

-- name: beat
update alarms.phone_call set seen_at = %s where claimed_by = %s and state = 'claimed';

-- name: stale_ones
select id from alarms.phone_call where state = 'claimed' and claimed_by is not null and coalesce(seen_at, claimed_at) < %s
order by id limit 100 for update skip locked;

-- name: insert_event
insert into alarms.phone_call_event (phone_call_id, delivery, event, at, recorded_at, account_id, detail)
values (%s, %s, %s, %s, %s, %s, %s);

-- name: insert_transfer
insert into alarms.transfer (phone_call_id, incident_id, line, result, note, at, account_id) values (%s, %s, %s, %s, %s, %s, %s) returning id;

-- name: receive
select alarms.receive(%s, %s, %s, %s);

-- name: refuse_event
select alarms.refuse_call_event(%s, %s, %s, %s);

-- name: take_report
select alarms.take_qr_report(%(form)s, %(plate)s, %(kind)s, %(words)s, %(phone)s, %(sender)s, %(now)s,
    %(per_sender)s, %(per_sender_lift)s, %(per_lift)s, %(window)s);

-- name: report
select id, unit_no, unit_status, kind, received_at from alarms.qr_report where id = %s;

-- name: erase_report
update alarms.qr_report_words set words = '', phone = null, erased_at = %s, erased_why = %s
where report_id = %s and erased_at is null returning report_id;

-- name: forget_senders
delete from alarms.qr_sender where received_at < %s;

-- name: inbox
select id, kind, delivery, payload, received_at from alarms.inbox where done_at is null order by id limit 200 for update skip locked;

-- name: inbox_done
update alarms.inbox set done_at = %s, problem = %s where id = %s;

-- name: link
select l.dispatch_id, d.incident_id, d.organisation_id, l.expires_at, l.used_at, d.ended_at from alarms.reply_link l
join alarms.dispatch d on d.id = l.dispatch_id where l.token_sha256 = %s for update of l;

-- name: link_used
update alarms.reply_link set used_at = %s, used_for = %s where token_sha256 = %s;

-- Whom to ring, in the order in which they are rung.
-- name: call_list
with it as (
    select i.id as incident, u.no, u.firm_org_id, u.use_org_id, u.jurisdiction_path from alarms.incident i
    left join equipment.unit u on u.no = i.unit_no where i.id = %(incident)s
), ordered as (
    select coalesce((select d.organisation_id from alarms.dispatch d where d.incident_id = %(incident)s and d.level = 1
                     order by d.id desc limit 1), (select firm_org_id from it)) as firm
), found as (
    select 1 as rank, 'duty' as role, s.organisation_id, s.person_id, coalesce(p.name, '') as name, s.phone
    from equipment.duty_shift s join equipment.jurisdiction a on a.id = s.area_id left join equipment.person p on p.id = s.person_id, it, ordered
    where s.organisation_id = ordered.firm and s.cancelled_at is null and s.span @> %(now)s::timestamptz
      and (it.jurisdiction_path is null or starts_with(it.jurisdiction_path, a.path))
    union all
    select 2, 'firm', o.id, null, o.name, o.duty_phone from equipment.organisation o, ordered where o.id = ordered.firm and o.duty_phone is not null
    union all
    select 3, 'manager', p.organisation_id, p.id, p.name, p.phone from equipment.person p, ordered
    where p.organisation_id = ordered.firm and p.phone is not null and p.left_on is null
      and (p.duty like '%%经理%%' or p.duty like '%%负责人%%' or p.duty like '%%主管%%')
    union all
    select 4, 'safety_officer', p.organisation_id, p.id, p.name, p.phone from equipment.person p, it
    where p.organisation_id = it.use_org_id and p.phone is not null and p.left_on is null and p.duty like '电梯安全%%'
    union all
    select 5, 'property', o.id, null, o.name, o.duty_phone from equipment.organisation o, it where o.id = it.use_org_id and o.duty_phone is not null
    union all
    select 6, 'station', o.id, null, o.name, o.duty_phone from equipment.organisation o
    where o.id = any(%(stations)s) and o.duty_phone is not null
    union all
    select 7, 'emergency', null, null, line, line from (values ('119'), ('110'), ('120')) l(line)
)
select f.role, f.organisation_id, f.person_id, f.name, f.phone, o.name as organisation, c.result, c.at, n.tries
from found f left join equipment.organisation o on o.id = f.organisation_id
left join lateral (select result, at from alarms.call_out c where c.incident_id = %(incident)s and c.phone = f.phone order by c.id desc limit 1) c on true
left join lateral (select count(*)::int as tries from alarms.call_out c where c.incident_id = %(incident)s and c.phone = f.phone) n on true
order by f.rank, array_position(%(stations)s::bigint[], f.organisation_id), f.person_id nulls first, f.phone;

-- name: insert_call_out
insert into alarms.call_out (incident_id, unit_no, organisation_id, person_id, role, name, phone, result, note, at, account_id)
values (%(incident)s, %(unit)s, %(organisation)s, %(person)s, %(role)s, %(name)s, %(phone)s, %(result)s, %(note)s, %(now)s, %(account)s) returning id;

-- name: tasks
select t.id, t.kind, t.incident_id, i.number, t.unit_no, u.name, t.organisation_id, o.name, p.name, t.detail, t.opened_at, t.due_at
from alarms.desk_task t left join alarms.incident i on i.id = t.incident_id left join equipment.unit u on u.no = t.unit_no
left join equipment.organisation o on o.id = t.organisation_id left join equipment.person p on p.id = t.person_id
where t.closed_at is null order by t.opened_at limit %s;

-- name: close_task
update alarms.desk_task set closed_at = %s, closed_by = %s, resolution = %s where id = %s and closed_at is null returning id;

-- Entrapments that are still running or ended a short while ago, and everything with a death or a grave injury.
-- name: to_judge
select i.id, i.number, i.unit_no, coalesce(u.kind, 'lift'), u.jurisdiction_path, coalesce(i.reported_at, i.opened_at), i.freed_at,
       coalesce(i.suspected_dead, 0), coalesce(i.serious_injuries, 0), i.kind = 'entrapment' and i.confirmed, i.trapped,
       coalesce(u.name, i.place)
from alarms.incident i left join equipment.unit u on u.no = i.unit_no
where i.nature = 'real' and i.state not in ('cancelled', 'auto_cleared', 'merged') and i.opened_at > %(since)s
  and (i.kind = 'entrapment' and i.confirmed and (i.freed_at is null or i.freed_at > %(since)s)
       or i.suspected_dead > 0 or i.serious_injuries > 0);

-- name: steps_told
select minutes from alarms.two_hour_step where incident_id = %s;

-- name: insert_step
insert into alarms.two_hour_step (incident_id, minutes, due_at, told_at, told) values (%s, %s, %s, %s, %s) on conflict do nothing;

-- name: named_people
select id, name, phone, channels from alarms.named_person
where ended_at is null and (%(path)s::text is null or starts_with(%(path)s, jurisdiction_path)) order by id;

-- name: possible
select level, deaths, serious_injuries, trapped_minutes, reasons, decided_at from alarms.possible_accident where incident_id = %s for update;

-- name: upsert_possible
insert into alarms.possible_accident (incident_id, unit_no, since, report_by, reasons, level, deaths, serious_injuries, trapped_minutes, changed_at)
values (%(incident)s, %(unit)s, %(since)s, %(report_by)s, %(reasons)s, %(level)s, %(deaths)s, %(serious)s, %(minutes)s, %(now)s)
on conflict (incident_id) do update set reasons = excluded.reasons, level = excluded.level, deaths = excluded.deaths,
    serious_injuries = excluded.serious_injuries, trapped_minutes = excluded.trapped_minutes, changed_at = excluded.changed_at;

-- name: decide
update alarms.possible_accident set decided_at = %s, decided_by = %s, decision = %s, accident_number = %s, reason = %s
where incident_id = %s and decided_at is null returning incident_id;

-- name: possible_one
select i.id, p.since, p.report_by, p.reasons, p.level, coalesce(i.suspected_dead, p.deaths, 0), coalesce(i.serious_injuries, p.serious_injuries, 0),
       greatest(p.trapped_minutes, case when i.kind = 'entrapment' and i.confirmed then
           floor(extract(epoch from coalesce(i.freed_at, %(now)s::timestamptz) - coalesce(i.reported_at, i.opened_at)) / 60)::int end), p.decided_at, p.decision,
       p.accident_number, p.reason, i.number, i.unit_no, u.id, u.kind, u.jurisdiction_id, coalesce(i.reported_at, i.opened_at), i.trapped, i.injured,
       concat_ws(' ', u.name, u.address, u.place_name, u.building, u.entrance, nullif(i.place, '')) as place, u.rescue_code,
       jsonb_strip_nulls(jsonb_build_object('报警', i.reported_at, '接警', i.accepted_at, '派单', i.dispatched_at, '出发', i.departed_at,
           '到达', i.arrived_at, '解救', i.freed_at, '回访', i.called_back_at)) as milestones
from alarms.incident i left join alarms.possible_accident p on p.incident_id = i.id left join equipment.unit u on u.no = i.unit_no
where i.id = %(incident)s;

-- name: close_tasks_of
update alarms.desk_task set closed_at = %s, closed_by = %s, resolution = %s where incident_id = %s and kind = %s and closed_at is null;

-- name: insert_named
insert into alarms.named_person (name, phone, jurisdiction_path, channels, since, account_id) values (%s, %s, %s, %s, %s, %s) returning id;

-- name: end_named
update alarms.named_person set ended_at = %s where id = %s and ended_at is null returning id;

-- name: lag
select l.beat_at, l.overdue, l.oldest, s.waiting, s.oldest
from alarms.escalator_lag(%(now)s) l cross join alarms.sender_lag(%(now)s) s;

-- name: watchdog_report
select alarms.watchdog_report(%s, %s, %s, %s);

-- name: watchdog_pages
select id, alarm_id, round, channel, address, attempts, began_at, ended_at, late_seconds, overdue, reason
from alarms.watchdog_pages(%s, %s, %s, %s);

-- name: watchdog_paged
select alarms.watchdog_paged(%s, %s, %s, %s, %s);

-- name: watchdog_told
select count(*) filter (where p.state = 'sent' and p.round = w.rounds), count(*) filter (where p.last_error is not null and p.round = w.rounds and p.state <> 'sent'),
       max(w.told_at)
from alarms.watchdog_alarm w left join alarms.watchdog_page p on p.alarm_id = w.id where w.ended_at is null;

-- name: named_now
select n.id, n.name, n.phone, n.channels, n.since, j.name_zh as area_zh, j.name_en as area_en
from alarms.named_person n left join equipment.jurisdiction j on j.path = n.jurisdiction_path
where n.ended_at is null order by n.jurisdiction_path, n.id;
