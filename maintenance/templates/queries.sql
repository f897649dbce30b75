-- name: lock_name
select pg_advisory_xact_lock(hashtextextended('template:' || %s, 0));

-- name: newest_version
select version, digest from maintenance.template where name = %s order by version desc limit 1;

-- name: insert_template
insert into maintenance.template (name, version, variety_code, manufacturer, source, items, digest, account_id, who, imported_at)
values (%(name)s, %(version)s, %(variety)s, %(manufacturer)s, %(source)s, %(items)s, %(digest)s, %(account)s, %(who)s, %(now)s)
returning id;

-- name: template
select id, name, version, variety_code, manufacturer, source, items from maintenance.template where id = %s;

-- name: state
select decision from maintenance.template_decision where template_id = %s order by id desc limit 1;

-- name: decide
insert into maintenance.template_decision (template_id, decision, reason, account_id, who, at) values (%s, %s, %s, %s, %s, %s);

-- name: assign
insert into maintenance.template_assignment (name, unit_no, variety_code, manufacturer, account_id, who, at)
values (%s, %s, %s, %s, %s, %s, %s);

-- name: listing
select t.id, t.name, t.version, t.variety_code, t.manufacturer, t.source, jsonb_array_length(t.items) as items, t.who, t.imported_at,
    coalesce(d.decision, 'proposed') as state, d.at as decided_at, d.who as decided_by
from maintenance.template t
left join lateral (select decision, at, who from maintenance.template_decision where template_id = t.id order by id desc limit 1) d on true
order by (d.decision is null) desc, t.name, t.version desc limit %s;

-- name: decisions
select decision, reason, who, at from maintenance.template_decision where template_id = %s order by id;

-- name: assignments
select distinct on (a.unit_no, a.variety_code, a.manufacturer) a.name, u.id as unit_id, u.name as unit_name, a.variety_code, a.manufacturer,
    a.who, a.at
from maintenance.template_assignment a left join equipment.unit u on u.no = a.unit_no
order by a.unit_no, a.variety_code, a.manufacturer, a.id desc;

-- name: approved_of
select 1 from maintenance.template t
where t.name = %s and (select decision from maintenance.template_decision where template_id = t.id order by id desc limit 1) = 'approved';

-- name: of_units
with assigned as (
    select distinct on (u.no) u.id, a.name
    from equipment.unit u join maintenance.template_assignment a on a.unit_no = u.no or (a.unit_no is null
        and a.variety_code = u.variety_code and (a.manufacturer = '' or a.manufacturer = u.manufacturer))
    where u.id = any(%(units)s)
    order by u.no, (a.unit_no is null), (a.manufacturer = ''), a.id desc
), approved as (
    select t.id, t.name, t.version, t.variety_code, t.manufacturer, t.source, t.items, d.at
    from maintenance.template t
    join lateral (select decision, at from maintenance.template_decision where template_id = t.id order by id desc limit 1) d on true
    where d.decision = 'approved' and t.name in (select name from assigned)
)
select s.id, v.* from assigned s join approved v on v.name = s.name order by s.id, v.version desc;

-- name: templated_units
select distinct u.id from maintenance.template_assignment a join equipment.unit u on u.no = a.unit_no or (a.unit_no is null
    and a.variety_code = u.variety_code and (a.manufacturer = '' or a.manufacturer = u.manufacturer))
where u.firm_org_id = equipment.scope_organisation() and a.name <> '';

-- name: titled
select items from maintenance.template where name || ' 第' || version || '版' = any(%s);
