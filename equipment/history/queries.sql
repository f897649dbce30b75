-- name: amend
select equipment.amend(%(attribute)s, %(unit)s, %(value)s, daterange(%(since)s, %(until)s), %(now)s, %(reason)s);

-- name: periods
with told as (
    select 'status' as attribute, p.id, p.value, p.value as label, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.status_period p where p.unit_no = %(unit)s
    union all
    select 'jurisdiction', p.id, p.value, j.name_zh, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.jurisdiction_period p join equipment.jurisdiction j on j.id = p.value where p.unit_no = %(unit)s
    union all
    select 'owner', p.id, p.value::text, o.name, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.owner_period p left join equipment.organisation o on o.id = p.value where p.unit_no = %(unit)s
    union all
    select 'use_unit', p.id, p.value::text, o.name, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.use_unit_period p left join equipment.organisation o on o.id = p.value where p.unit_no = %(unit)s
    union all
    select 'firm', p.id, p.value::text, o.name, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.firm_period p left join equipment.organisation o on o.id = p.value where p.unit_no = %(unit)s
    union all
    select 'policy', p.id, p.value, p.value, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.policy_period p where p.unit_no = %(unit)s
    union all
    select 'mode', p.id, p.value, p.value, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.mode_period p where p.unit_no = %(unit)s
    union all
    select 'plate', p.id, p.value, p.value, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.plate_period p where p.unit_no = %(unit)s
    union all
    select 'director', p.id, p.value::text, w.name, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.director_period p left join equipment.person w on w.id = p.value where p.unit_no = %(unit)s
    union all
    select 'officer', p.id, p.value::text, w.name, p.valid, p.recorded_at, p.account_id, p.reason, p.superseded_at
    from equipment.officer_period p left join equipment.person w on w.id = p.value where p.unit_no = %(unit)s
)
select t.attribute, t.value, coalesce(t.label, ''), lower(t.valid), upper(t.valid), t.recorded_at, a.display_name, t.reason,
       t.superseded_at
from told t left join equipment.account a on a.id = t.account_id
where t.superseded_at is null or %(all)s
order by t.attribute, lower(t.valid), t.id;

-- name: units_as_of
select equipment.units_as_of(%(day)s, %(jurisdiction)s, %(kinds)s, %(status)s, %(insured)s);

-- name: unit_days
select equipment.unit_days(%(since)s, %(until)s, %(jurisdiction)s, %(kinds)s, %(status)s, %(insured)s);

-- name: project_changes
select equipment.project_changes(%s, %s);

-- name: handovers
select h.id, u.id, u.name, h.from_id, f.name_zh, h.to_id, t.name_zh, h.at, h.until, h.reason, h.open_work, h.received_at
from equipment.handover h
join equipment.jurisdiction f on f.id = h.from_id
join equipment.jurisdiction t on t.id = h.to_id
join equipment.unit u on u.no = h.unit_no
where h.id > %(after)s and (%(open)s = false or h.received_at is null)
order by h.id limit %(limit)s;

-- name: unlisted
select id, unit_no from equipment.handover where open_work is null order by id limit 100;

-- name: list_open_work
select equipment.list_open_work(%s, %s, %s);

-- name: receive
update equipment.handover set received_at = %s, received_by = %s where id = %s and received_at is null;

-- name: insert_policy
insert into equipment.insurance_policy (number, insurer_org_id, holder, limit_per_person_yuan, limit_per_accident_yuan,
    limit_total_yuan, recorded_at)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (number) do update set insurer_org_id = excluded.insurer_org_id, holder = excluded.holder,
    limit_per_person_yuan = excluded.limit_per_person_yuan, limit_per_accident_yuan = excluded.limit_per_accident_yuan,
    limit_total_yuan = excluded.limit_total_yuan;
