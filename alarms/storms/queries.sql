-- name: placed
select coalesce((select j.id from equipment.jurisdiction j where j.kind = 'district' and starts_with(u.jurisdiction_path, j.path)
                 limit 1), u.jurisdiction_id),
       (select g.gateway_id from ingest.gateway_unit g where g.unit_no = u.no order by g.gateway_id limit 1), u.firm_org_id::text
from equipment.unit u where u.no = %s;

-- name: insert_annunciation
insert into alarms.annunciation (alarm_id, unit_no, rule, severity, event, desk, muted, district, gateway, firm, at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: open_storm
select id, first_alarm, started_at, ends_by from alarms.storm where cause = %s and place = %s and ended_at is null for update;

-- name: trigger_alarms
select distinct on (n.alarm_id) n.alarm_id, n.unit_no, n.at
from alarms.annunciation n join alarms.alarm a on a.id = n.alarm_id
where n.rule = any(%(rules)s) and n.at > %(since)s and n.at < %(until)s and a.active
  and case %(kind)s when 'district' then n.district when 'gateway' then n.gateway else n.firm end = %(place)s
order by n.alarm_id, n.at;

-- name: insert_storm
insert into alarms.storm (cause, place_kind, place, first_alarm, started_at, found_at, ends_by)
values (%s, %s, %s, %s, %s, %s, %s) returning id;

-- name: insert_member
insert into alarms.storm_member (storm_id, alarm_id, unit_no, trigger, inhibited, at) values (%s, %s, %s, %s, %s, %s)
on conflict do nothing;

-- name: open_storms
select s.id, s.cause, s.ends_by,
       (select count(*) from alarms.storm_member m join alarms.alarm a on a.id = m.alarm_id
        where m.storm_id = s.id and m.trigger and a.active)
from alarms.storm s where s.ended_at is null order by s.id for update of s;

-- name: end_storm
update alarms.storm set ended_at = %s where id = %s;

-- name: inhibited_by
select id from alarms.alarm where inhibited_by = %s order by id for no key update;

-- name: active_cause
select a.id from alarms.alarm a join equipment.unit u on u.no = a.unit_no
where a.rule = %(cause)s and a.active and not a.shadow and a.state not in ('normal', 'out_of_service')
  and case %(kind)s
        when 'unit' then a.unit_no = %(unit)s
        when 'gateway' then exists (select 1 from ingest.gateway_unit g where g.unit_no = a.unit_no and g.gateway_id = %(place)s)
        when 'firm' then u.firm_org_id::text = %(place)s
        else exists (select 1 from equipment.jurisdiction j where j.id = %(place)s and starts_with(u.jurisdiction_path, j.path))
      end
order by a.raised_at limit 1;

-- name: causes_over
select e.id from alarms.alarm e left join alarms.alarm c on 'alarm:' || c.id = e.inhibited_by
where e.inhibited_by like 'alarm:%%' and e.state = 'suppressed_by_design' and (c.id is null or not c.active)
order by e.id limit 500 for no key update of e skip locked;

-- name: open_flood
select id, started_at from alarms.flood where console = %s and ended_at is null for update;

-- name: last_flood_end
select max(ended_at) from alarms.flood where console = %s;

-- name: annunciated
select at from alarms.annunciation where at > %s and at <= %s and not muted and (desk or not %s) order by at;

-- name: insert_flood
insert into alarms.flood (console, started_at, ended_at, peak) values (%s, %s, %s, %s);

-- name: change_flood
update alarms.flood set ended_at = %s, peak = greatest(peak, %s) where id = %s;

-- name: floods_open
select console, started_at, peak from alarms.flood where ended_at is null order by console;

-- name: storms_shown
select s.id, s.cause, s.place_kind, s.place, s.first_alarm, fu.id, fu.name, s.started_at, s.ended_at,
       coalesce(j.name_zh, o.name, s.place), coalesce(j.name_en, o.name, s.place),
       count(m.alarm_id), count(distinct m.unit_no), count(*) filter (where a.active), count(*) filter (where m.inhibited),
       count(*) filter (where a.protected and a.state <> 'normal')
from alarms.storm s
left join alarms.alarm fa on fa.id = s.first_alarm
left join equipment.unit fu on fu.no = fa.unit_no
join alarms.storm_member m on m.storm_id = s.id
join alarms.alarm a on a.id = m.alarm_id
left join equipment.jurisdiction j on s.place_kind = 'district' and j.id = s.place
left join equipment.organisation o on s.place_kind = 'firm' and o.id::text = s.place
where s.ended_at is null or s.ended_at > %s
group by s.id, fu.id, fu.name, j.name_zh, j.name_en, o.name
order by s.ended_at is not null, s.started_at desc limit 50;

-- name: members
select a.id, u.id, u.name, a.rule, a.severity, a.state, a.active, a.protected, m.inhibited, m.trigger, m.at
from alarms.storm_member m join alarms.alarm a on a.id = m.alarm_id join equipment.unit u on u.no = m.unit_no
where m.storm_id = %s order by a.protected desc, m.at, a.id limit 1000;
