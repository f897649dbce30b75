-- name: insert_contract
insert into equipment.contract (number, firm_org_id, use_org_id, signed_on, mode, recorded_at, account_id)
values (%(number)s, %(firm)s, %(use_unit)s, %(signed_on)s, %(mode)s, %(now)s, %(account)s) returning id;

-- name: insert_contract_units
insert into equipment.contract_unit (contract_id, unit_no, valid, firm_org_id, use_org_id)
select %(contract)s, u.no, daterange(%(since)s, %(until)s), %(firm)s, %(use_unit)s
from equipment.unit u where u.id = any(%(units)s) and u.use_org_id = %(use_unit)s;

-- name: contracts
select c.id, c.number, c.firm_org_id, f.name, c.use_org_id, o.name, c.signed_on, c.mode, min(lower(m.valid)), max(upper(m.valid)),
       count(m.unit_no)::int
from equipment.contract c
join equipment.organisation f on f.id = c.firm_org_id
join equipment.organisation o on o.id = c.use_org_id
left join equipment.contract_unit m on m.contract_id = c.id
where c.id > %(after)s and (%(organisation)s::bigint is null or %(organisation)s in (c.firm_org_id, c.use_org_id))
group by c.id, f.name, o.name order by c.id limit %(limit)s;

-- name: contract_of_unit
select c.id, c.number, f.name, c.signed_on, c.mode, lower(m.valid), upper(m.valid)
from equipment.contract_unit m join equipment.contract c on c.id = m.contract_id
join equipment.organisation f on f.id = c.firm_org_id
where m.unit_no = %s order by lower(m.valid) desc;

-- name: unit_for_claim
select no, id, name, firm_org_id, use_org_id from equipment.unit_for_claim(%s, %s);

-- name: insert_change
insert into equipment.firm_change (unit_no, unit_id, unit_name, new_firm_org_id, old_firm_org_id, use_org_id, state, claimed_at)
values (%s, %s, %s, %s, %s, %s, 'claimed', %s) returning id;

-- name: insert_event
insert into equipment.firm_change_event (change_id, event, from_state, to_state, at, account_id, reason)
values (%s, %s, %s, %s, %s, %s, %s);

-- name: changes
select c.id, c.unit_id, c.unit_name, c.new_firm_org_id, n.name, c.old_firm_org_id, o.name, c.use_org_id, u.name, c.state, c.claimed_at,
       c.object_by, c.closed_at, c.version
from equipment.firm_change c
left join equipment.organisation n on n.id = c.new_firm_org_id
left join equipment.organisation o on o.id = c.old_firm_org_id
left join equipment.organisation u on u.id = c.use_org_id
where c.id > %(after)s and (%(id)s::bigint is null or c.id = %(id)s)
  and (%(unit)s = '' or c.unit_id = %(unit)s)
  and (not %(open)s or c.state in ('claimed', 'confirmed', 'objected', 'cleared'))
order by c.id limit %(limit)s;

-- name: lock_change
select 1 from equipment.firm_change where id = %s for update;

-- name: move
update equipment.firm_change set state = %s, object_by = coalesce(%s, object_by), closed_at = %s, version = version + 1
where id = %s and version = %s;

-- name: take_over
select equipment.take_over(%s, %s, %s);

-- name: lapsed
select id from equipment.firm_change where state = 'confirmed' and object_by <= %s order by id limit 500;

-- name: events
select event, from_state, to_state, at, reason from equipment.firm_change_event where change_id = %s order by id;
