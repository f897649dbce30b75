-- name: facts
select u.no, u.id, u.name, u.place_name || ' ' || u.address, u.firm_org_id,
       case when u.first_use_date is null then null else (%(today)s - u.first_use_date) / 365.25 end::float8,
       (select count(*) from alarms.alarm a where a.unit_no = u.no and a.raised_at > %(year)s and not a.shadow)::float8,
       (select count(*) from alarms.incident i where i.unit_no = u.no and i.kind = 'entrapment' and i.confirmed and i.opened_at > %(year)s
          and i.state not in ('cancelled', 'merged', 'auto_cleared'))::float8,
       (select count(*) filter (where h.grade = 'major') from maintenance.hazard h where h.unit_no = u.no and h.state not in ('closed', 'unsubstantiated'))::float8,
       (select count(*) filter (where h.grade = 'serious') from maintenance.hazard h where h.unit_no = u.no and h.state not in ('closed', 'unsubstantiated'))::float8,
       (select count(*) filter (where h.grade = 'general') from maintenance.hazard h where h.unit_no = u.no and h.state not in ('closed', 'unsubstantiated'))::float8,
       (select count(distinct d.cause) from (
            select l.cause from maintenance.lead l where l.unit_no = u.no and l.state = 'pending' and l.answered_at is null and l.cause like 'overdue:%%'
            union select h.cause from maintenance.hazard h where h.unit_no = u.no and h.state not in ('closed', 'unsubstantiated') and h.cause like 'overdue:%%') d)::float8,
       (u.insurance_valid_to is null or u.insurance_valid_to < %(today)s)::int::float8,
       (u.device_model is null)::int::float8
from equipment.unit u
where u.status = 'in_use' and (%(unit)s::text is null or u.id = %(unit)s) and (%(kind)s = '' or u.kind = %(kind)s)
order by u.no limit %(limit)s;

-- name: firm_of
select firm_org_id from equipment.unit where id = %s;

-- name: firm_counts
select o.id, o.name, count(u.no),
       coalesce(sum(h.open_major), 0)::int, coalesce(sum(h.open_overdue), 0)::int, coalesce(sum(h.reopened), 0)::int,
       coalesce(sum(i.entrapments), 0)::int, coalesce(sum(r.disputed), 0)::int
from equipment.organisation o
join equipment.unit u on u.firm_org_id = o.id and u.status = 'in_use'
left join lateral (select count(*) filter (where state not in ('closed', 'unsubstantiated') and grade = 'major') as open_major,
                  count(*) filter (where state not in ('closed', 'unsubstantiated') and due_at < %(now)s) as open_overdue,
                  sum(reopened) as reopened
           from maintenance.hazard where unit_no = u.no and (state not in ('closed', 'unsubstantiated') or closed_at > %(year)s)) h on true
left join lateral (select count(*) as entrapments from alarms.incident
           where unit_no = u.no and kind = 'entrapment' and confirmed and opened_at > %(year)s
             and state not in ('cancelled', 'merged', 'auto_cleared')) i on true
left join lateral (select count(*) as disputed from maintenance.record
           where unit_no = u.no and state = 'disputed' and received_at > %(year)s) r on true
where o.kind = 'maintenance_firm' and (%(firm)s::bigint is null or o.id = %(firm)s)
group by o.id, o.name order by o.id;

-- name: insert_draw
insert into maintenance.draw (title, basis, seed, rules, candidates, officers, counts, sha256, drawn_at, drawn_by, jurisdiction_path)
values (%(title)s, %(basis)s, %(seed)s, %(rules)s, %(candidates)s, %(officers)s, %(counts)s, %(sha256)s, %(at)s, %(by)s, %(path)s)
returning id;

-- name: insert_task
insert into maintenance.inspection_task (draw_id, number, unit_no, stratum, officers)
select %s, %s, u.no, %s, %s from equipment.unit u where u.id = %s returning id;

-- name: draws
select d.id, d.title, d.basis, d.seed, d.sha256, d.drawn_at, maintenance.actor_name(d.drawn_by) as drawn_by,
       (select count(*) from maintenance.inspection_task t where t.draw_id = d.id) as tasks,
       (select count(*) from maintenance.inspection_task t join maintenance.inspection_result r on r.task_id = t.id where t.draw_id = d.id) as done
from maintenance.draw d order by d.id desc limit 100;

-- name: draw_whole
select title, seed, rules, candidates, officers, counts, sha256,
       equipment.scope_kind() = 'jurisdiction' and starts_with(jurisdiction_path, equipment.scope_path()) as whole
from maintenance.draw where id = %s;

-- name: tasks
select t.id, t.number, u.id as unit_id, u.name as unit_name, u.address, t.stratum, t.officers, r.conclusion, r.recorded_at,
       coalesce(r.lead_ids, '{}') as lead_ids
from maintenance.inspection_task t join equipment.unit u on u.no = t.unit_no
left join maintenance.inspection_result r on r.task_id = t.id where t.draw_id = %s order by t.id;

-- name: task
select t.id, t.number, u.id, u.kind from maintenance.inspection_task t join equipment.unit u on u.no = t.unit_no where t.id = %s;

-- name: task_done
select 1 from maintenance.inspection_result where task_id = %s;

-- name: insert_result
insert into maintenance.inspection_result (task_id, conclusion, items, officers, note, lead_ids, recorded_at, recorded_by)
values (%(task)s, %(conclusion)s, %(items)s, %(officers)s, %(note)s, %(leads)s, %(at)s, %(by)s);

-- name: by_group
select coalesce(case %(by)s when 'district' then h.district when 'firm' then h.firm_org_id::text when 'source' then h.source_kind end, '') as key,
       coalesce(max(f.name) filter (where %(by)s = 'firm'), '') as name,
       count(*) filter (where h.state not in ('closed', 'unsubstantiated')),
       count(*) filter (where h.state not in ('closed', 'unsubstantiated') and h.due_at < %(now)s),
       count(*) filter (where h.state = 'closed' and h.closed_at >= %(since)s),
       count(*) filter (where h.state = 'closed' and h.closed_at >= %(since)s and h.closed_at <= coalesce(h.due_at, h.closed_at)),
       coalesce(sum(h.reopened), 0)::int,
       percentile_cont(0.5) within group (order by extract(epoch from h.closed_at - h.opened_at) / 86400)
           filter (where h.state = 'closed' and h.closed_at >= %(since)s)
from maintenance.hazard h left join equipment.organisation f on f.id = h.firm_org_id
where h.state not in ('closed', 'unsubstantiated') or h.closed_at >= %(since)s
group by 1 order by 4 desc, 3 desc limit 200;

-- name: by_age
select h.grade, case when %(now)s - h.opened_at < interval '7 days' then '0-7' when %(now)s - h.opened_at < interval '30 days' then '7-30'
                     when %(now)s - h.opened_at < interval '90 days' then '30-90' else '90+' end, count(*)
from maintenance.hazard h where h.state not in ('closed', 'unsubstantiated') group by 1, 2;
