-- name: propose
insert into maintenance.on_demand_plan (unit_no, firm_org_id, use_org_id, state, interval_days, items, quality_target, proposed_at, conditions)
values (%(unit_no)s, %(firm)s, %(use_org)s, 'proposed', %(interval)s, %(items)s, %(target)s, %(now)s, %(conditions)s)
on conflict (unit_no) where state <> 'ended' do nothing returning id;

-- name: plan
select p.id, u.id, p.unit_no, p.firm_org_id, p.state, p.interval_days, p.items, p.quality_target, p.proposed_at, p.conditions
from maintenance.on_demand_plan p join equipment.unit u on u.no = p.unit_no where p.id = %s for update of p;

-- name: plans
select p.id, u.id, p.unit_no, p.firm_org_id, p.state, p.interval_days, p.items, p.quality_target, p.proposed_at, p.conditions
from maintenance.on_demand_plan p join equipment.unit u on u.no = p.unit_no
where p.state <> 'ended' and (%(unit)s = '' or u.id = %(unit)s) order by p.id limit 500;

-- name: set_state
update maintenance.on_demand_plan set state = %s, conditions = %s, version = version + 1 where id = %s;

-- name: add_event
insert into maintenance.on_demand_plan_event (plan_id, unit_no, event, at, account_id, who, reason, conditions)
values (%s, %s, %s, %s, %s, %s, %s, %s);

-- name: events
select event, at, who, reason from maintenance.on_demand_plan_event where plan_id = %s order by id;

-- name: set_mode
select maintenance.set_mode(%s, %s, %s, %s);

-- name: standing
select licensed, grade from maintenance.firm_standing(%s, %s);

-- name: online
select maintenance.terminal_online(%s);

-- name: visits_of_all
select u.no, u.id, u.name, u.address, u.first_use_date, u.firm_org_id, u.use_org_id, u.lon, u.lat, u.datum, p.interval_days, w.person_id, q.name as worker,
       coalesce((select array_agg(v.level || ' ' || v.last) from (
           select r.level, max((r.ended_at at time zone 'Asia/Shanghai')::date)::text as last
           from maintenance.record r where r.unit_no = u.no and r.state <> 'corrected' group by r.level) v), '{}') as visits
from equipment.unit u
left join maintenance.on_demand_plan p on p.unit_no = u.no and p.state = 'accepted'
left join maintenance.unit_worker w on w.unit_no = u.no and w.firm_org_id = u.firm_org_id
left join equipment.person q on q.id = w.person_id
where u.status = 'in_use' and u.kind in ('lift', 'escalator') and u.firm_org_id is not null
  and (%(firm)s::bigint is null or u.firm_org_id = %(firm)s)
order by u.no;

-- name: assign
insert into maintenance.unit_worker (unit_no, firm_org_id, person_id, changed_at) values (%s, %s, %s, %s)
on conflict (unit_no) do update set firm_org_id = excluded.firm_org_id, person_id = excluded.person_id, changed_at = excluded.changed_at;

-- name: colleague
select 1 from equipment.person where id = %s and organisation_id = %s and left_on is null;

-- name: remind
insert into maintenance.reminder (unit_no, firm_org_id, use_org_id, kind, subject, due_on, step, at)
values (%(unit_no)s, %(firm)s, %(use_org)s, %(kind)s, %(subject)s, %(due_on)s, %(step)s, %(at)s) on conflict do nothing;

-- name: unconfirmed
select r.id::text, r.unit_no, r.firm_org_id, u.use_org_id, (r.received_at at time zone 'Asia/Shanghai')::date
from maintenance.record r join equipment.unit u on u.no = r.unit_no
where r.state = 'submitted' and r.received_at < %s and r.received_at > %s;

-- name: reminders
select m.kind, m.subject, m.due_on, m.step, m.at, u.id as unit_id, u.name as unit_name
from maintenance.reminder m join equipment.unit u on u.no = m.unit_no
where m.at >= %(since)s and (%(kind)s = '' or m.kind = %(kind)s) order by m.at desc, m.due_on limit %(limit)s;
