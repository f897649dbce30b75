-- name: cases
-- confirmed incidents reported within the period, as the caller may see them
select i.id, i.number, i.kind, i.nature, i.first_source, coalesce(i.reported_at, i.opened_at) as reported_at,
       i.dispatched_at, i.arrived_at, i.freed_at, i.trapped,
       coalesce((select d.level from alarms.dispatch d where d.incident_id = i.id and d.arrived_at is not null order by d.arrived_at, d.id limit 1),
                (select max(d.level) from alarms.dispatch d where d.incident_id = i.id)) as level,
       i.cause_code, i.release_mode, coalesce(u.name, i.place) as place, j.name_zh as district, f.name as firm, u.manufacturer as maker, u.first_use_date
from alarms.incident i
left join equipment.unit u on u.no = i.unit_no
left join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join equipment.organisation f on f.id = u.firm_org_id
where i.confirmed and i.state not in ('merged', 'cancelled', 'auto_cleared')
  and coalesce(i.reported_at, i.opened_at) >= %(since)s and coalesce(i.reported_at, i.opened_at) < %(until)s
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%')
order by reported_at, i.id;

-- name: annunciations
-- what rang the desk: a group answers for those that are muted
select a.at, a.severity, a.rule from alarms.annunciation a
where a.desk and not a.muted and a.at >= %(since)s and a.at < %(until)s
  and (%(district)s = '' or a.district = %(district)s)
order by a.at, a.id;

-- name: seat_acts
-- what the seats did: the hours in which each was at work, and how long it took to take an incident
select e.account_id, coalesce(alarms.seat_name(e.account_id), '坐席 ' || e.account_id) as name, e.at, e.event,
       extract(epoch from e.at - i.opened_at)::float8 as since_opened
from alarms.incident_event e
join alarms.incident i on i.id = e.incident_id
where e.how_known = 'seat' and e.account_id is not null and e.at >= %(since)s and e.at < %(until)s
order by e.at, e.id;

-- name: leads
-- sensors alone: what became of what nobody had confirmed
select count(*) filter (where i.state = 'auto_cleared'), count(*) filter (where i.state = 'cancelled'),
       count(*) filter (where not i.confirmed and i.state not in ('auto_cleared', 'cancelled', 'merged'))
from alarms.incident i left join equipment.unit u on u.no = i.unit_no
where i.first_source = 'alarm' and i.opened_at >= %(since)s and i.opened_at < %(until)s
  and (%(district)s = '' or u.jurisdiction_path like '%%/' || %(district)s || '/%%');
