-- Everything the pages read, under the asker's scope: row security decides what is there.

-- name: feed_head
select dashboards.feed_head('desk');

-- name: open_incidents
select i.id, i.number, i.state, i.kind, i.severity, i.first_source, i.confirmed, i.place, i.trapped, i.injured,
       i.opened_at, i.reported_at, i.verify_by, i.accepted_at, i.dispatched_at, i.arrived_at, i.freed_at, i.version, i.reassure_by,
       u.id as unit_id, u.name as unit_name, u.rescue_code, u.place_name, u.building, u.entrance, u.address, u.lon, u.lat,
       j.name_zh as district_zh, j.name_en as district_en,
       d.level as dispatch_level, d.answer_by, d.arrive_by, d.answered_at, o.name as dispatched_to
from alarms.incident i
left join equipment.unit u on u.no = i.unit_no
left join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join lateral (select * from alarms.dispatch d where d.incident_id = i.id order by d.id desc limit 1) d on true
left join equipment.organisation o on o.id = d.organisation_id
where i.state not in ('closed', 'cancelled', 'auto_cleared', 'merged')
order by (i.freed_at is not null),
         array_position(array['critical', 'high', 'medium', 'low'], i.severity),
         (i.accepted_at is not null), i.opened_at
limit 300;

-- name: incident
select i.*, u.id as unit_id, u.name as unit_name, u.kind as unit_kind, u.rescue_code, u.place_name, u.building, u.entrance,
       u.address, u.lon, u.lat, u.datum, u.status as unit_status, u.firm_org_id, u.use_org_id, u.parameters,
       u.manufacturer, u.first_use_date, j.name_zh as district_zh, j.name_en as district_en,
       f.name as firm_name, f.duty_phone as firm_phone, o.name as use_unit_name, o.duty_phone as use_unit_phone,
       alarms.actor_name(i.accepted_by) as accepted_by_name,
       (select max(r.ended_at) from maintenance.record r where r.unit_no = i.unit_no) as last_maintenance
from alarms.incident i
left join equipment.unit u on u.no = i.unit_no
left join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join equipment.organisation f on f.id = u.firm_org_id
left join equipment.organisation o on o.id = u.use_org_id
where i.id = %s;

-- name: incident_events
select e.id, e.event, e.from_state, e.to_state, e.at, e.recorded_at, e.how_known, e.reason, e.detail,
       alarms.actor_name(e.account_id) as actor
from alarms.incident_event e
where e.incident_id = %s order by e.at, e.id;

-- name: incident_dispatches
select d.*, o.name as organisation, o.duty_phone, o.kind as organisation_kind
from alarms.dispatch d left join equipment.organisation o on o.id = d.organisation_id
where d.incident_id = %s order by d.id;

-- name: reply_link
select * from alarms.reply_state_of(%s);

-- name: line_calls
select c.id, c.caller, c.called, c.state, c.rang_at, c.claimed_by, c.dropped, c.ended_at, c.incident_id, i.number as incident_number,
       alarms.actor_name(c.claimed_by) as claimed_name, c.call_record_id,
       (select jsonb_build_object('line', t.line, 'result', t.result) from alarms.transfer t where t.phone_call_id = c.id order by t.id desc limit 1) as transfer,
       (select count(*) from alarms.phone_call_event e where e.phone_call_id = c.id and e.event = 'return_call')::int as tries
from alarms.phone_call c left join alarms.incident i on i.id = c.incident_id
where c.direction = 'in' and (c.state in ('ringing', 'claimed') or (c.state = 'abandoned' or c.dropped) and c.returned_at is null
    -- hung up, and the seat has not taken down yet what was said
    or c.state = 'ended' and c.claimed_by = %(account)s and c.call_record_id is null and c.returned_at is null and c.ended_at > %(since)s
       and not exists (select 1 from alarms.transfer t where t.phone_call_id = c.id))
order by (c.state = 'ringing') desc, (c.state = 'claimed') desc, c.dropped desc, c.rang_at limit 40;

-- name: desk_tasks
select t.id, t.kind, t.detail, t.opened_at, t.due_at, i.id as incident_id, i.number, o.name as organisation, u.name as unit_name,
       w.words, w.phone, w.erased_at
from alarms.desk_task t left join alarms.qr_report_words w on t.kind = 'qr_report' and w.report_id = (t.detail ->> 'report')::bigint
left join alarms.incident i on i.id = t.incident_id left join equipment.organisation o on o.id = t.organisation_id
left join equipment.unit u on u.no = t.unit_no where t.closed_at is null order by t.due_at nulls last, t.opened_at limit 50;

-- name: possible_accident
select * from alarms.possible_accident where incident_id = %s;

-- name: incident_pages
select n.id, n.channel, n.address, n.state, n.attempts, n.sent_at, n.receipt, n.last_error, o.name as organisation
from alarms.notification n left join equipment.organisation o on o.id = n.organisation_id
where n.incident_id = %s and n.channel <> 'page' order by n.id desc limit 30;

-- name: incident_calls
select c.id, c.category, c.place, c.caller_phone, c.description, c.trapped, c.injured, c.reported_at, c.source
from alarms.incident_source s join ingest.call_record c on c.id::text = s.source_id and s.source_kind = 'call'
where s.incident_id = %s order by c.reported_at;

-- name: incident_reports
select r.id, r.kind, r.received_at, r.unit_status, w.words, w.phone, w.erased_at
from alarms.incident_source s join alarms.qr_report r on r.id::text = s.source_id and s.source_kind = 'qr'
left join alarms.qr_report_words w on w.report_id = r.id
where s.incident_id = %s order by r.received_at;

-- name: incident_alarms
select m.id, m.rule, m.severity, m.state, m.active, m.started_at, m.raised_at, m.cleared_at, m.no_signal, m.evidence
from alarms.incident_source s join alarms.alarm m on m.id = s.source_id and s.source_kind = 'alarm'
where s.incident_id = %s order by m.raised_at;

-- name: stations
select id, kind, name, duty_phone, lon, lat from equipment.organisation
where kind = 'rescue_station' and lat is not null order by id;

-- name: persons_of
select organisation_id, name, phone, duty from equipment.person
where organisation_id = any(%s) and phone is not null order by organisation_id, id;

-- name: closed_incidents
select i.id, i.number, i.state, i.kind, i.severity, i.opened_at, i.closed_at, i.outcome, i.confirmed, i.first_source,
       coalesce(u.name, i.place) as unit_name, u.id as unit_id
from alarms.incident i left join equipment.unit u on u.no = i.unit_no
where i.state in ('closed', 'cancelled', 'auto_cleared', 'merged')
order by i.opened_at desc limit %s;

-- name: wall_districts
select j.id, j.name_zh, j.name_en, count(u.no) as units,
       count(s.unit_no) filter (where s.online and u.device_model is not null) as online, count(u.device_model) as fitted
from equipment.jurisdiction j
left join equipment.unit u on starts_with(u.jurisdiction_path, j.path) and u.status = 'in_use'
left join ingest.unit_state s on s.unit_no = u.no
where j.kind = 'district'
group by j.id, j.name_zh, j.name_en order by j.id;

-- name: today
select count(*) as opened,
       count(*) filter (where confirmed and kind = 'entrapment') as entrapments,
       coalesce(sum(trapped) filter (where confirmed and freed_at is not null), 0) as people,
       count(*) filter (where arrived_at is not null and dispatched_at is not null) as arrivals,
       count(*) filter (where arrived_at - dispatched_at <= interval '30 minutes') as in_time,
       avg(extract(epoch from arrived_at - dispatched_at)) filter (where arrived_at is not null and dispatched_at is not null) as arrival_seconds,
       avg(extract(epoch from freed_at - arrived_at)) filter (where freed_at is not null and arrived_at is not null) as rescue_seconds
from alarms.incident where opened_at >= %s and state <> 'merged' and nature = 'real';

-- name: alarm_place
select u.kind, u.id as unit_id, u.name as unit_name, u.rescue_code, u.address, j.name_zh as district_zh, j.name_en as district_en,
       s.incident_id, i.number as incident_number
from alarms.alarm m
join equipment.unit u on u.no = m.unit_no
join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join alarms.incident_source s on s.source_kind = 'alarm' and s.source_id = m.id
left join alarms.incident i on i.id = s.incident_id
where m.id = %s;

-- name: open_alarms
select m.id, m.rule, coalesce(m.evidence ->> 'title_zh', m.rule) as title_zh,
       coalesce(m.evidence ->> 'title_en', m.rule) as title_en, m.assigned_to, m.shelved_until, m.severity, m.state, m.active, m.no_signal, m.raised_at, m.cleared_at, m.receivers,
       u.id as unit_id, u.name as unit_name, u.rescue_code, j.name_zh as district_zh, j.name_en as district_en,
       s.incident_id, i.number as incident_number
from alarms.alarm m
join equipment.unit u on u.no = m.unit_no
join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join alarms.incident_source s on s.source_kind = 'alarm' and s.source_id = m.id
left join alarms.incident i on i.id = s.incident_id
where m.state <> 'normal' and not m.shadow
  and (%(severity)s = '' or m.severity = %(severity)s)
  and (%(state)s = '' or m.state like '%%' || %(state)s)
  and (%(group)s = '' or exists (select 1 from alarms.storm_member g where g.alarm_id = m.id and g.storm_id::text = %(group)s))
order by array_position(array['critical', 'high', 'medium', 'low'], m.severity), m.raised_at desc
limit %(limit)s offset %(offset)s;

-- name: open_alarm_counts
select severity, count(*) as n, count(*) filter (where state like '%%unacknowledged') as unacknowledged
from alarms.alarm where state <> 'normal' and not shadow group by severity
order by array_position(array['critical', 'high', 'medium', 'low'], severity);

-- name: devices_online
select count(*) filter (where s.online) as online, count(*) as fitted, max(s.last_received_at) as last_received_at
from equipment.unit u left join ingest.unit_state s on s.unit_no = u.no
where u.device_model is not null and u.status = 'in_use';

-- name: units
select u.no, u.id, u.name, u.kind, u.rescue_code, u.place_name, u.building, u.entrance, u.address, u.status,
       u.device_model, u.first_use_date, u.insurance_valid_to, j.name_zh as district_zh, j.name_en as district_en,
       f.name as firm_name, s.online, s.last_received_at,
       (select count(*) from alarms.alarm m where m.unit_no = u.no and m.state <> 'normal' and not m.shadow) as open_alarms,
       (select count(*) from maintenance.hazard h where h.unit_no = u.no and h.state not in ('closed', 'unsubstantiated')) as open_hazards,
       (select max(r.ended_at) from maintenance.record r where r.unit_no = u.no) as last_maintenance
from equipment.unit u
join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join equipment.organisation f on f.id = u.firm_org_id
left join ingest.unit_state s on s.unit_no = u.no
where (%(q)s = '' or u.no = any(%(found)s))
  and (%(kind)s = '' or u.kind = %(kind)s)
  and (%(status)s = '' or u.status = %(status)s)
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%')
  and (%(online)s = '' or (%(online)s = 'yes' and s.online) or (%(online)s = 'no' and u.device_model is not null and s.online is not true)
       or (%(online)s = 'none' and u.device_model is null))
order by case when %(sort)s = 'name' then u.name end, case when %(sort)s = '-name' then u.name end desc,
         case when %(sort)s = 'age' then u.first_use_date end, case when %(sort)s = '-age' then u.first_use_date end desc,
         u.no
limit %(limit)s offset %(offset)s;

-- name: count_units
select count(*) from equipment.unit u left join ingest.unit_state s on s.unit_no = u.no
where (%(q)s = '' or u.no = any(%(found)s))
  and (%(kind)s = '' or u.kind = %(kind)s)
  and (%(status)s = '' or u.status = %(status)s)
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%')
  and (%(online)s = '' or (%(online)s = 'yes' and s.online) or (%(online)s = 'no' and u.device_model is not null and s.online is not true)
       or (%(online)s = 'none' and u.device_model is null));

-- name: districts
select id, name_zh, name_en from equipment.jurisdiction where kind = 'district' order by id;

-- name: roster_areas
select id, name_zh, name_en from equipment.jurisdiction where kind in ('city', 'district') order by path;

-- name: unit
select u.*, j.name_zh as district_zh, j.name_en as district_en, f.name as firm_name, f.duty_phone as firm_phone,
       o.name as use_unit_name, o.duty_phone as use_unit_phone,
       s.online, s.last_ts, s.last_server_time, s.last_received_at, s.clock_offset_ms, s.clock_stable, s.status_at, s.online_cause,
       s.online_since
from equipment.unit u
join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join equipment.organisation f on f.id = u.firm_org_id
left join equipment.organisation o on o.id = u.use_org_id
left join ingest.unit_state s on s.unit_no = u.no
where u.id = %s;

-- name: unit_alarms
select id, rule, coalesce(evidence ->> 'title_zh', rule) as title_zh, coalesce(evidence ->> 'title_en', rule) as title_en,
       assigned_to, severity, state, active, started_at, raised_at, cleared_at, no_signal, retrospective, evidence
from alarms.alarm where unit_no = %s and not shadow order by (state = 'normal'), raised_at desc limit 50;

-- name: unit_calls
select id, category, place, description, reported_at, closed_at, source from ingest.call_record
where unit_no = %s order by reported_at desc limit 50;

-- name: unit_incidents
select id, number, state, kind, severity, opened_at, closed_at, confirmed from alarms.incident
where unit_no = %s order by opened_at desc limit 50;

-- name: unit_records
select id, level, state, started_at, ended_at, failed_items, received_at from maintenance.record
where unit_no = %s order by ended_at desc limit 50;

-- name: unit_hazards
select id, number, state, grade, description, opened_at, due_at, closed_at from maintenance.hazard
where unit_no = %s order by opened_at desc limit 50;

-- name: unit_leads
select id, state, summary, suggested_grade, opened_at, last_seen_at, occurrences, hazard_id from maintenance.lead
where unit_no = %s order by opened_at desc limit 50;

-- What stands beside a call: the lift, where it is, who looks after it, and what is open on it.
-- name: lift_cards
select u.no, u.id, u.name, u.kind, u.rescue_code, u.address, u.place_name, u.building, u.entrance, u.status,
       u.parameters ->> 'floors' as floors, u.parameters ->> 'stations' as stations, f.name as firm_name,
       f.duty_phone as firm_phone, o.name as use_unit_name, o.duty_phone as use_unit_phone,
       (select i.id from alarms.incident i where i.unit_no = u.no
          and i.state not in ('closed', 'cancelled', 'auto_cleared', 'merged') order by i.id desc limit 1) as open_incident,
       r.ended_at as last_maintenance, r.level as last_level,
       (select count(*) from maintenance.hazard h where h.unit_no = u.no and h.state not in ('closed', 'unsubstantiated')) as open_hazards,
       m.n as open_alarms, m.rules as alarm_rules, m.severities as alarm_severities, s.online, s.last_received_at,
       u.device_model is not null as fitted, p.photo, p.ended_at as photo_at
from equipment.unit u
left join equipment.organisation f on f.id = u.firm_org_id
left join equipment.organisation o on o.id = u.use_org_id
left join ingest.unit_state s on s.unit_no = u.no
left join lateral (select x.ended_at, x.level from maintenance.record x where x.unit_no = u.no order by x.ended_at desc limit 1) r on true
left join lateral (select count(*) as n, (array_agg(a.rule order by w.rank, a.raised_at))[1:3] as rules,
                          (array_agg(a.severity order by w.rank, a.raised_at))[1:3] as severities
                   from alarms.alarm a, lateral (select array_position(array['critical', 'high', 'medium', 'low'], a.severity) as rank) w
                   where a.unit_no = u.no and a.state <> 'normal' and not a.shadow) m on true
left join lateral (select shown #>> '{}' as photo, x.ended_at
                   from (select content, ended_at from maintenance.record where unit_no = u.no order by ended_at desc limit 4) x,
                        jsonb_path_query(x.content, '$.places[*].photos[*]') shown
                   where exists (select 1 from maintenance.attachment t
                                 where t.unit_no = u.no and t.sha256 = decode(shown #>> '{}', 'hex'))
                   order by x.ended_at desc limit 1) p on true
where u.no = any(%(units)s);

-- name: lift_places
select u.no, u.rescue_code, u.building, u.entrance from equipment.unit u where u.no = any(%s) and u.rescue_code is not null;

-- name: calls
select c.id, c.external_id, c.source, c.category, c.place, c.address, c.rescue_code, c.caller_phone, c.trapped, c.reported_at,
       c.dispatched_at, c.arrived_at, c.freed_at, c.closed_at, c.historical, c.link, cardinality(c.candidates) as candidates,
       u.id as unit_id, u.name as unit_name, s.incident_id, i.number as incident_number
from ingest.call_record c
left join equipment.unit u on u.no = c.unit_no
left join alarms.incident_source s on s.source_kind = 'call' and s.source_id = c.id::text
left join alarms.incident i on i.id = s.incident_id
where (%(q)s = '' or c.rescue_code = %(q)s or c.external_id = %(q)s
       or strpos(lower(concat_ws(' ', c.place, c.address, u.name, c.description)), lower(%(q)s)) > 0)
  and (%(category)s = '' or c.category = %(category)s)
  and (%(historical)s = '' or c.historical = (%(historical)s = 'yes'))
  and (%(link)s = '' or c.link = %(link)s)
order by c.reported_at desc, c.id desc limit %(limit)s offset %(offset)s;

-- name: call
select c.*, u.id as unit_id, u.name as unit_name, i.id as incident_id, i.number as incident_number
from ingest.call_record c
left join equipment.unit u on u.no = c.unit_no
left join alarms.incident_source s on s.source_kind = 'call' and s.source_id = c.id::text
left join alarms.incident i on i.id = s.incident_id
where c.id = %s;

-- name: call_candidates
select u.id, u.name, u.rescue_code, u.address, u.place_name, u.building, u.entrance, u.status
from unnest(%s::integer[]) with ordinality as c (no, place)
join equipment.unit u on u.no = c.no order by c.place;

-- name: due_units
select u.no, u.id, u.name, u.kind, u.rescue_code, u.address, u.place_name, j.name_zh as district_zh, j.name_en as district_en,
       r.ended_at as last_maintenance, r.level as last_level,
       (r.ended_at at time zone 'Asia/Shanghai')::date + %(days)s as due_on
from equipment.unit u
join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join lateral (select ended_at, level from maintenance.record r where r.unit_no = u.no order by ended_at desc limit 1) r on true
where u.status = 'in_use' and u.kind in ('lift', 'escalator')
order by due_on nulls first, u.no limit %(limit)s;

-- name: due_counts
select count(*) as total,
       count(*) filter (where last is null) as never,
       count(*) filter (where last < %(today)s - %(days)s) as overdue,
       count(*) filter (where last >= %(today)s - %(days)s and last <= %(today)s - %(days)s + 3) as soon
from (select u.no, (select (max(r.ended_at) at time zone 'Asia/Shanghai')::date from maintenance.record r where r.unit_no = u.no) as last
      from equipment.unit u where u.status = 'in_use' and u.kind in ('lift', 'escalator')) x;

-- name: firm_dispatches
select d.id, d.level, d.ordered_at, d.answer_by, d.arrive_by, d.answered_at, d.departed_at, d.arrived_at, d.refused_at, d.escalated_at,
       i.id as incident_id, i.number, i.state, i.kind, i.severity, i.version, i.trapped, i.injured, i.cause_code,
       p.unit_id, coalesce(p.name, i.place) as unit_name, p.address, p.place_name, p.building, p.entrance, p.rescue_code,
       p.use_unit, p.use_unit_phone, u.id as own_unit_id
from alarms.dispatch d join alarms.incident i on i.id = d.incident_id left join lateral alarms.order_place(i.id) p on true
left join equipment.unit u on u.no = i.unit_no
where (%(open)s and i.state not in ('closed', 'cancelled', 'auto_cleared', 'merged', 'called_back'))
   or (not %(open)s and d.ordered_at > %(since)s)
order by d.ordered_at desc limit 50;

-- name: records
select r.id, r.level, r.state, r.started_at, r.ended_at, r.received_at, r.failed_items, r.workers, r.dispute_reason,
       u.id as unit_id, u.name as unit_name, u.rescue_code, f.name as firm_name,
       exists (select 1 from maintenance.record_signature s where s.record_id = r.id and s.role = 'worker') as signed
from maintenance.record r
join equipment.unit u on u.no = r.unit_no
join equipment.organisation f on f.id = r.firm_org_id
where (%(state)s = '' or r.state = %(state)s) and (%(level)s = '' or r.level = %(level)s)
  and (%(unit)s = '' or u.rescue_code = %(unit)s or u.id = %(unit)s or u.device_code = %(unit)s)
  and (%(since)s = '' or r.ended_at >= nullif(%(since)s, '')::date::timestamp at time zone 'Asia/Shanghai')
  and (%(until)s = '' or r.ended_at < (nullif(%(until)s, '')::date + 1)::timestamp at time zone 'Asia/Shanghai')
order by (r.state = 'submitted') desc, r.ended_at desc limit %(limit)s offset %(offset)s;

-- name: record
select r.*, u.id as unit_id, u.name as unit_name, u.rescue_code, u.address, f.name as firm_name, u.lon, u.lat, u.datum, u.accuracy_m,
       a.display_name as confirmed_by_name
from maintenance.record r
join equipment.unit u on u.no = r.unit_no
join equipment.organisation f on f.id = r.firm_org_id
left join equipment.account a on a.id = r.confirmed_by
where r.id = %s;

-- name: record_items
select item_id, result, value, note from maintenance.record_item where record_id = %s
order by (result <> 'fail'), item_id;

-- name: leads
select l.id, l.state, l.source_kind, l.summary, l.urgent, l.suggested_grade, l.suggested_clause, l.occurrences, l.opened_at,
       l.last_seen_at, l.deadline, l.decided_at, l.answered_at, l.hazard_id, u.id as unit_id, coalesce(u.name, so.name) as unit_name,
       u.rescue_code, j.name_zh as district_zh, j.name_en as district_en, f.name as firm_name
from maintenance.lead l
left join equipment.unit u on u.no = l.unit_no
left join equipment.organisation so on so.id = l.org_id
left join equipment.jurisdiction j on j.id = coalesce(u.jurisdiction_id, so.jurisdiction_id)
left join equipment.organisation f on f.id = l.firm_org_id
where (%(state)s = '' or l.state = %(state)s)
  and (%(grade)s = '' or l.suggested_grade = %(grade)s)
  and (%(source)s = '' or l.source_kind = %(source)s)
  and (%(district)s = '' or l.jurisdiction_path like '%%/' || %(district)s || '/%%')
  and (%(q)s = '' or u.rescue_code = %(q)s or strpos(lower(concat_ws(' ', u.name, so.name, l.summary)), lower(%(q)s)) > 0)
order by l.urgent desc, l.deadline limit %(limit)s offset %(offset)s;

-- name: lead
select l.*, u.id as unit_id, coalesce(u.name, so.name) as unit_name, u.rescue_code, coalesce(u.address, so.address) as address,
       u.kind as unit_kind, f.name as firm_name, o.name as use_unit_name, maintenance.actor_name(l.decided_by) as decided_by_name
from maintenance.lead l
left join equipment.unit u on u.no = l.unit_no
left join equipment.organisation so on so.id = l.org_id
left join equipment.organisation f on f.id = l.firm_org_id
left join equipment.organisation o on o.id = l.use_org_id
where l.id = %s;

-- name: own_corrections
select l.id, l.summary, l.decision_reason, l.decided_at, l.answered_at, u.id as unit_id, coalesce(u.name, so.name) as unit_name,
       (select e.reason from maintenance.lead_event e where e.lead_id = l.id and e.event = 'answered' order by e.id desc limit 1) as said
from maintenance.lead l
left join equipment.unit u on u.no = l.unit_no
left join equipment.organisation so on so.id = l.org_id
where l.state = 'self_rectify' and l.decided_at > %s - interval '180 days'
order by l.answered_at is not null, l.decided_at desc limit 100;

-- name: lead_events
select e.event, e.at, e.reason, e.detail, maintenance.actor_name(e.account_id) as actor
from maintenance.lead_event e where e.lead_id = %s order by e.id;

-- name: hazards
select h.id, h.number, h.state, h.grade, h.clause, h.stop_use, h.description, h.due_at, h.opened_at, h.closed_at, h.step_late,
       h.supervised_at, h.risk_colour, h.look_back, u.id as unit_id, coalesce(u.name, so.name) as unit_name, u.rescue_code,
       j.name_zh as district_zh, j.name_en as district_en, o.name as responsible
from maintenance.find_hazards(%(wanted)s, %(limit)s, %(offset)s) with ordinality found(id, place)
join maintenance.hazard h on h.id = found.id
left join equipment.unit u on u.no = h.unit_no
left join equipment.organisation so on so.id = h.org_id
left join equipment.jurisdiction j on j.id = coalesce(u.jurisdiction_id, so.jurisdiction_id)
left join equipment.organisation o on o.id = h.responsible_org_id
order by found.place;

-- name: hazard_places
select h.id, h.number, h.grade, u.name, u.lat, u.lon, u.datum
from maintenance.find_hazards(%(wanted)s, %(limit)s, 0) found(id)
join maintenance.hazard h on h.id = found.id left join equipment.unit u on u.no = h.unit_no;

-- name: ledger_counts
select (select count(*) from maintenance.lead where state = 'pending') as leads,
       (select count(*) from maintenance.lead where state = 'pending' and urgent) as urgent_leads,
       open, overdue, major, recheck, closed_month
from maintenance.count_hazards(%(now)s);

-- name: hazard_firms
select id, name from equipment.organisation where kind = 'maintenance_firm' order by name limit 500;

-- name: hazard
select h.*, u.id as unit_id, coalesce(u.name, so.name) as unit_name, u.rescue_code, coalesce(u.address, so.address) as address,
       u.kind as unit_kind, j.name_zh as district_zh, j.name_en as district_en, o.name as responsible, f.name as firm_name,
       us.name as use_unit_name, maintenance.actor_name(h.opened_by) as opened_by_name
from maintenance.hazard h
left join equipment.unit u on u.no = h.unit_no
left join equipment.organisation so on so.id = h.org_id
left join equipment.jurisdiction j on j.id = coalesce(u.jurisdiction_id, so.jurisdiction_id)
left join equipment.organisation o on o.id = h.responsible_org_id
left join equipment.organisation f on f.id = h.firm_org_id
left join equipment.organisation us on us.id = h.use_org_id
where h.id = %s;

-- name: hazard_events
select e.event, e.from_state, e.to_state, e.at, e.reason, e.evidence, maintenance.actor_name(e.account_id) as actor
from maintenance.hazard_event e where e.hazard_id = %s order by e.id;

-- name: account_totals
select coalesce(sum(received), 0) as received, coalesce(sum(stored), 0) as stored, coalesce(sum(duplicates), 0) as duplicates,
       coalesce(sum(quarantined), 0) as quarantined, coalesce(sum(redelivered), 0) as redelivered,
       coalesce(sum(late), 0) as late, count(*) as batches, max(judged_at) as last_batch
from ingest.batch where judged_at >= %s;

-- name: account_by_minute
select date_trunc('minute', judged_at) as minute, sum(stored) as stored, sum(quarantined) as quarantined
from ingest.batch where judged_at >= %s group by 1 order by 1;

-- name: quarantine_reasons
select reason, count(*) as messages, sum(samples) as samples, max(received_at) as last_at,
       count(*) filter (where replayed_at is not null) as replayed
from ingest.quarantine where received_at >= %s group by reason order by messages desc;

-- name: quarantine_list
select id, received_at, topic, unit_id, reason, detail, samples, octet_length(payload) as bytes, replayed_at, replay_result
from ingest.quarantine where (%(reason)s = '' or reason = %(reason)s)
order by id desc limit %(limit)s offset %(offset)s;

-- name: quarantine_entry
select id, shard, batch, received_at, topic, unit_id, channel, ts, seq, reason, detail, samples, position, payload,
       replayed_at, replay_result
from ingest.quarantine where id = %s;

-- name: offline_devices
select u.id, u.name, u.device_model, u.address, s.last_received_at, s.status_at, s.online, s.online_cause
from equipment.unit u left join ingest.unit_state s on s.unit_no = u.no
where u.device_model is not null and u.status = 'in_use' and s.online is not true
order by s.last_received_at nulls first limit %s;

-- name: clock_skew
select u.id, u.name, s.clock_offset_ms, s.clock_stable, s.last_received_at
from ingest.unit_state s join equipment.unit u on u.no = s.unit_no
where abs(s.clock_offset_ms) > 2000 order by abs(s.clock_offset_ms) desc limit %s;

-- name: rule_health
select m.rule, m.severity, count(*) as raised, count(*) filter (where m.state <> 'normal') as open,
       count(distinct m.unit_no) as units, max(m.raised_at) as last_at,
       count(*) filter (where m.no_signal) as no_signal
from alarms.alarm m where m.raised_at >= %s and not m.shadow group by m.rule, m.severity order by raised desc;

-- name: lag
select max(s.last_received_at - s.last_server_time) as worst,
       percentile_cont(0.5) within group (order by extract(epoch from s.last_received_at - s.last_server_time)) as median_seconds,
       count(*) filter (where s.last_received_at > %s) as heard
from ingest.unit_state s;

-- name: audit_entries
select e.id, e.at, e.action, e.subject, e.reason, e.origin, a.display_name as actor, a.login
from equipment.audit_entry e left join equipment.account a on a.id = e.account_id
where (%(q)s = '' or e.action = %(q)s or strpos(e.subject, %(q)s) > 0)
order by e.id desc limit %(limit)s offset %(offset)s;

-- name: public_unit
select * from dashboards.public_unit(%s);

-- name: labels
select u.rescue_code, u.name from equipment.unit u
where u.rescue_code is not null
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%')
  and (%(q)s = '' or strpos(lower(concat_ws(' ', u.name, u.place_name, u.building, u.entrance, u.address)), lower(%(q)s)) > 0)
  and (cardinality(%(plates)s::text[]) = 0 or u.rescue_code = any(%(plates)s::text[]))
order by u.jurisdiction_path, u.place_name, u.name, u.rescue_code
limit %(limit)s;

-- name: count_labels
select count(*) from equipment.unit u
where u.rescue_code is not null
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%')
  and (%(q)s = '' or strpos(lower(concat_ws(' ', u.name, u.place_name, u.building, u.entrance, u.address)), lower(%(q)s)) > 0)
  and (cardinality(%(plates)s::text[]) = 0 or u.rescue_code = any(%(plates)s::text[]));

-- name: count_without_plate
select count(*) from equipment.unit u
where u.rescue_code is null and u.kind in ('lift', 'escalator') and cardinality(%(plates)s::text[]) = 0
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%')
  and (%(q)s = '' or strpos(lower(concat_ws(' ', u.name, u.place_name, u.building, u.entrance, u.address)), lower(%(q)s)) > 0);

-- name: map_cells
-- units of one datum in one cell of the map: their mean place, how many, and which one where it is one
select u.datum, count(*)::int as units, avg(u.lon) as lon, avg(u.lat) as lat, min(u.id) as id, min(u.name) as name,
       count(*) filter (where u.status <> 'in_use')::int as idle, min(u.status) as status
from equipment.unit u
where u.lon between %(west)s and %(east)s and u.lat between %(south)s and %(north)s and u.datum <> 'unknown'
  and (%(kind)s = '' or u.kind = %(kind)s) and (%(status)s = '' or u.status = %(status)s)
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%')
group by u.datum, floor(u.lon / %(cell)s), floor(u.lat / %(cell)s);

-- name: map_unplaced
select count(*) filter (where u.lon is null)::int as nowhere, count(*) filter (where u.lon is not null and u.datum = 'unknown')::int as no_datum,
       count(*)::int as units
from equipment.unit u
where (%(kind)s = '' or u.kind = %(kind)s) and (%(status)s = '' or u.status = %(status)s)
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%');

-- name: field_lifts
select u.id, u.name, u.rescue_code, u.address, u.variety_code, r.level as last_level,
       (r.ended_at at time zone 'Asia/Shanghai')::date + %(days)s as due_on
from equipment.unit u
left join lateral (select ended_at, level from maintenance.record r where r.unit_no = u.no order by ended_at desc limit 1) r on true
where u.status = 'in_use' and (u.kind in ('lift', 'escalator') or u.id = any(%(more)s)) and u.firm_org_id = equipment.scope_organisation()
order by due_on nulls first, u.no limit %(limit)s;

-- name: disputed_records
select r.id::text as id, u.id as unit, u.name, coalesce(r.dispute_reason, '') as reason, r.content from maintenance.record r join equipment.unit u on u.no = r.unit_no
where r.state = 'disputed' and r.firm_org_id = equipment.scope_organisation() order by r.ended_at desc limit %(limit)s;

-- name: firm_workers
select id, name, certificate_no from equipment.person where organisation_id = equipment.scope_organisation() and left_on is null order by name;

-- name: record_content
select content from maintenance.record where id = %s;

-- name: desk_teams
select coalesce(d.arrived_lon, d.departed_lon) as lon, coalesce(d.arrived_lat, d.departed_lat) as lat, d.arrived_at, d.departed_at,
       o.name as organisation, i.number, i.id as incident_id
from alarms.dispatch d join alarms.incident i on i.id = d.incident_id left join equipment.organisation o on o.id = d.organisation_id
where coalesce(d.arrived_lon, d.departed_lon) is not null and d.ended_at is null and i.freed_at is null
  and i.state in ('arrived', 'answered', 'dispatched');

-- name: line_refusals
select received_at, way, reason, payload from alarms.call_event_refused order by id desc limit %s;

-- name: hand_over_work
select dashboards.hand_over_work(%s, %s, %s, %s);
