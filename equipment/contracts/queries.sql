-- name: insert_contract
insert into equipment.contract (number, firm_org_id, use_org_id, signed_on, mode, recorded_at, changed_at, account_id)
values (%(number)s, %(firm)s, %(use_unit)s, %(signed_on)s, %(mode)s, %(now)s, %(now)s, %(account)s) returning id;

-- name: insert_contract_units
insert into equipment.contract_unit (contract_id, unit_no, valid, firm_org_id, use_org_id)
select %(contract)s, u.no, daterange(%(since)s, %(until)s), %(firm)s, %(use_unit)s
from equipment.unit u where u.id = any(%(units)s) and u.use_org_id = %(use_unit)s;

-- name: contracts
select c.id, c.number, c.firm_org_id, f.name, c.use_org_id, o.name, c.signed_on, c.mode, min(lower(m.valid)), max(upper(m.valid)),
       count(distinct m.unit_no)::int, c.changed_at
from equipment.contract c
left join equipment.organisation f on f.id = c.firm_org_id
left join equipment.organisation o on o.id = c.use_org_id
left join equipment.contract_unit m on m.contract_id = c.id and m.superseded_at is null
where c.id > %(after)s and (%(id)s::bigint is null or c.id = %(id)s)
  and (%(organisation)s::bigint is null or %(organisation)s in (c.firm_org_id, c.use_org_id))
  -- a contract whose lifts all lie elsewhere is nothing to an inspector, and must not look void
  and exists (select 1 from equipment.contract_unit x where x.contract_id = c.id)
group by c.id, f.name, o.name
having case %(state)s when '' then true
    when 'in_force' then min(lower(m.valid)) <= %(today)s and max(upper(m.valid)) > %(today)s
    when 'ending' then max(upper(m.valid)) > %(today)s and max(upper(m.valid)) <= %(soon)s
    when 'over' then coalesce(max(upper(m.valid)), '-infinity') <= %(today)s
    else min(lower(m.valid)) > %(today)s end
order by c.id limit %(limit)s;

-- name: lock_contract
select 1 from equipment.contract where id = %s for update;

-- name: contract_units
select u.id, u.name, u.address, lower(m.valid), upper(m.valid)
from equipment.contract_unit m left join equipment.unit u on u.no = m.unit_no
where m.contract_id = %s and m.superseded_at is null order by u.name, u.id, lower(m.valid);

-- name: contract_events
select e.event, e.day, e.units, e.reason, e.at, a.display_name
from equipment.contract_event e left join equipment.account a on a.id = e.account_id
where e.contract_id = %s order by e.id;

-- name: end_units
with gone as (
    update equipment.contract_unit m set superseded_at = %(now)s
    where m.contract_id = %(contract)s and m.superseded_at is null and upper(m.valid) > %(day)s
      and (%(units)s::text[] is null or m.unit_no in (select u.no from equipment.unit u where u.id = any(%(units)s)))
    returning m.contract_id, m.unit_no, m.valid, m.firm_org_id, m.use_org_id
), kept as (
    insert into equipment.contract_unit (contract_id, unit_no, valid, firm_org_id, use_org_id)
    select g.contract_id, g.unit_no, daterange(lower(g.valid), %(day)s), g.firm_org_id, g.use_org_id
    from gone g where lower(g.valid) < %(day)s
)
select count(distinct unit_no)::int from gone;

-- name: extend_units
with gone as (
    update equipment.contract_unit m set superseded_at = %(now)s
    where m.contract_id = %(contract)s and m.superseded_at is null and upper(m.valid) = %(until)s
    returning m.contract_id, m.unit_no, m.valid, m.firm_org_id, m.use_org_id
), kept as (
    insert into equipment.contract_unit (contract_id, unit_no, valid, firm_org_id, use_org_id)
    select g.contract_id, g.unit_no, daterange(lower(g.valid), %(day)s), g.firm_org_id, g.use_org_id from gone g
)
select count(*)::int from gone;

-- name: touch_contract
update equipment.contract set changed_at = %s where id = %s;

-- name: insert_contract_event
insert into equipment.contract_event (contract_id, event, day, units, reason, at, account_id)
values (%(contract)s, %(event)s, %(day)s, %(named)s, %(reason)s, %(now)s, %(account)s);

-- name: lifts_of_use_unit
select u.id, u.name, u.address, u.firm_org_id, f.name,
       (select c.number from equipment.contract_unit m join equipment.contract c on c.id = m.contract_id
        where m.unit_no = u.no and m.superseded_at is null and m.valid @> %(day)s::date),
       (select upper(m.valid) from equipment.contract_unit m
        where m.unit_no = u.no and m.superseded_at is null and m.valid @> %(day)s::date)
from equipment.unit u left join equipment.organisation f on f.id = u.firm_org_id
where u.use_org_id = %(use_unit)s and u.kind in ('lift', 'escalator')
  and u.status not in ('scrapped', 'cancelled', 'dismantled', 'moved_out')
order by u.name, u.id limit %(limit)s;

-- name: contract_of_unit
select c.id, c.number, f.name, lower(m.valid), upper(m.valid)
from equipment.contract_unit m join equipment.contract c on c.id = m.contract_id
left join equipment.organisation f on f.id = c.firm_org_id
where m.unit_no = %s and m.superseded_at is null and m.valid @> %s::date;

-- name: unit_for_claim
select no, id, name, firm_org_id, use_org_id from equipment.unit_for_claim(%s, %s);

-- name: insert_change
insert into equipment.firm_change (unit_no, unit_id, unit_name, new_firm_org_id, old_firm_org_id, use_org_id, state, claimed_at)
values (%s, %s, %s, %s, %s, %s, 'claimed', %s) returning id;

-- name: insert_event
insert into equipment.firm_change_event (change_id, event, from_state, to_state, at, account_id, reason)
values (%s, %s, %s, %s, %s, %s, %s);

-- name: changes
select c.id, c.unit_id, c.unit_name, c.new_firm_org_id, n.new_firm, c.old_firm_org_id, n.old_firm, c.use_org_id, n.use_unit, c.state,
       c.claimed_at, c.object_by, c.closed_at, c.version
from equipment.firm_change c
left join lateral equipment.firm_change_names(c.id) n on true
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
