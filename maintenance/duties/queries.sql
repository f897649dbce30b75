-- name: lifts
select u.no, u.id, u.name, u.rescue_code, coalesce(nullif(u.place_name, ''), u.address) as site, u.kind
from equipment.unit u
where u.use_org_id = %s and u.status = 'in_use' and u.kind in ('lift', 'escalator') order by site, u.name, u.no;

-- name: insert_report
insert into maintenance.duty_report (use_org_id, kind, period_on, site, zero_risk, content, digest, account_id, signer, device, late, received_at)
values (%(org)s, %(kind)s, %(period)s, %(site)s, %(zero)s, %(content)s, %(digest)s, %(account)s, %(signer)s, %(device)s, %(late)s, %(now)s)
on conflict (use_org_id, kind, period_on, site, digest) do nothing returning id;

-- name: known_report
select id from maintenance.duty_report where use_org_id = %s and kind = %s and period_on = %s and site = %s and digest = %s;

-- name: insert_unit
insert into maintenance.duty_unit (report_id, unit_no, day, result, note) values (%s, %s, %s, %s, %s);

-- name: checked_days
select d.day, count(distinct d.unit_no) from maintenance.duty_unit d join equipment.unit u on u.no = d.unit_no
where u.use_org_id = %s and u.status = 'in_use' and d.day >= %s group by d.day;

-- name: filed_periods
select distinct period_on from maintenance.duty_report where use_org_id = %s and kind = %s and period_on >= %s;

-- name: reports
select r.id, r.kind, r.period_on, r.site, r.zero_risk, r.signer, r.late, r.received_at, r.content, o.name as organisation
from maintenance.duty_report r join equipment.organisation o on o.id = r.use_org_id
where (%(org)s::bigint is null or r.use_org_id = %(org)s) and r.period_on >= %(since)s
order by r.received_at desc limit %(limit)s;

-- name: week_in_numbers
select count(distinct d.day), count(distinct d.unit_no), count(*) filter (where d.result = 'problem')
from maintenance.duty_unit d join equipment.unit u on u.no = d.unit_no
where u.use_org_id = %s and d.day between %s and %s;

-- name: organisations
select o.id, o.name, count(*) as lifts,
       (select count(*) from (select distinct d.unit_no, d.day from maintenance.duty_unit d join equipment.unit v on v.no = d.unit_no
                              where v.use_org_id = o.id and v.status = 'in_use' and d.day >= %(since)s and d.day < %(today)s) c) as checked,
       (select max(r.period_on) from maintenance.duty_report r where r.use_org_id = o.id and r.kind = 'weekly') as last_weekly,
       (select max(r.period_on) from maintenance.duty_report r where r.use_org_id = o.id and r.kind = 'monthly') as last_monthly
from equipment.unit u join equipment.organisation o on o.id = u.use_org_id
where u.status = 'in_use' and u.kind in ('lift', 'escalator')
group by o.id, o.name order by o.name limit %(limit)s;

-- name: remind_today
insert into maintenance.reminder (unit_no, firm_org_id, use_org_id, kind, subject, due_on, step, at)
select u.no, null, u.use_org_id, 'duty', 'daily', %(today)s, 0, %(now)s from equipment.unit u
where u.status = 'in_use' and u.kind in ('lift', 'escalator') and u.use_org_id is not null
  and exists (select 1 from maintenance.duty_report r where r.use_org_id = u.use_org_id)
  and not exists (select 1 from maintenance.duty_unit d where d.unit_no = u.no and d.day = %(today)s)
on conflict do nothing;
