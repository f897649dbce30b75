-- name: organisation_rows
select o.id, o.kind, o.name, o.credit_code, o.jurisdiction_id, j.name_zh, o.address, o.duty_phone,
       (select g.grade from equipment.credit_grade g where g.organisation_id = o.id and g.since <= %(today)s order by g.since desc limit 1),
       (select count(*)::int from equipment.unit u where u.firm_org_id = o.id or u.use_org_id = o.id),
       (select max(c.at) from equipment.phone_check c where c.organisation_id = o.id and c.answered and c.phone = o.duty_phone),
       o.changed_at
from equipment.organisation o join equipment.jurisdiction j on j.id = o.jurisdiction_id
where o.id > %(after)s and (%(id)s::bigint is null or o.id = %(id)s) and (%(kind)s = '' or o.kind = %(kind)s)
  and (%(text)s = '' or strpos(lower(o.name), lower(%(text)s)) > 0 or o.credit_code = upper(%(text)s))
order by o.id limit %(limit)s;

-- name: lock_organisation
select 1 from equipment.organisation where id = %s for update;

-- name: insert_licence
insert into equipment.licence (organisation_id, kind, number, scope, valid, recorded_at)
values (%s, %s, %s, %s, daterange(%s, %s), %s) returning id;

-- name: licences
select id, kind, number, scope, lower(valid), upper(valid) from equipment.licence where organisation_id = %s order by lower(valid) desc;

-- name: insert_grade
insert into equipment.credit_grade (organisation_id, grade, since, basis, recorded_at, account_id) values (%s, %s, %s, %s, %s, %s);

-- name: grades
select grade, since, basis from equipment.credit_grade where organisation_id = %s order by since desc;

-- name: person_rows
select id, organisation_id, name, phone, duty, certificate_no, certificate_valid_to, left_on, changed_at
from equipment.person
where id > %(after)s and (%(organisation)s::bigint is null or organisation_id = %(organisation)s)
  and (%(id)s::bigint is null or id = %(id)s) order by id limit %(limit)s;

-- name: lock_person
select 1 from equipment.person where id = %s for update;

-- name: insert_certificate
insert into equipment.certificate (person_id, kind, number, valid, recorded_at) values (%s, %s, %s, daterange(%s, %s, '[]'), %s);

-- name: newest_certificate
update equipment.person p set certificate_no = c.number, certificate_valid_to = upper(c.valid) - 1, changed_at = %(now)s
from (select number, valid from equipment.certificate where person_id = %(person)s order by upper(valid) desc limit 1) c
where p.id = %(person)s;

-- name: certificates
select kind, number, lower(valid), upper(valid) - 1 from equipment.certificate where person_id = %s order by upper(valid) desc;

-- name: insert_phone_check
insert into equipment.phone_check (organisation_id, person_id, phone, at, answered, seconds_to_answer, note, account_id)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: insert_shift
insert into equipment.duty_shift (organisation_id, area_id, person_id, phone, span, recorded_at)
values (%s, %s, %s, %s, tstzrange(%s, %s), %s) returning id;

-- name: cancel_shift
update equipment.duty_shift set cancelled_at = %s where id = %s and cancelled_at is null and upper(span) > %s;

-- name: shifts
select s.id, s.organisation_id, o.name, s.area_id, j.name_zh, p.name, s.phone, lower(s.span), upper(s.span)
from equipment.duty_shift s
join equipment.organisation o on o.id = s.organisation_id
join equipment.jurisdiction j on j.id = s.area_id
left join equipment.person p on p.id = s.person_id
where s.cancelled_at is null and s.span && tstzrange(%(since)s, %(until)s, '[]')
  and (%(organisation)s::bigint is null or s.organisation_id = %(organisation)s)
  and (%(area)s = '' or starts_with((select path from equipment.jurisdiction where id = %(area)s), j.path))
order by lower(s.span), s.id limit 500;

-- name: phone_checks
select c.id, c.organisation_id, o.name, c.phone, c.at, c.answered, c.seconds_to_answer, c.note, a.display_name
from equipment.phone_check c
left join equipment.organisation o on o.id = c.organisation_id
left join equipment.account a on a.id = c.account_id
where (%(before)s::bigint is null or c.id < %(before)s)
  and (%(organisation)s::bigint is null or c.organisation_id = %(organisation)s)
  and (%(answered)s::boolean is null or c.answered = %(answered)s)
order by c.id desc limit %(limit)s;

-- name: area_duties
-- a shift of an area above answers for those below; until when: the end of the run of spans that touch
select j.id, j.name_zh, j.name_en, j.kind,
       (select count(*)::int from equipment.duty_shift s join equipment.jurisdiction a on a.id = s.area_id
        where s.cancelled_at is null and s.span @> %(at)s::timestamptz and starts_with(j.path, a.path)),
       (select upper(run) from (
            select unnest(range_agg(s.span)) as run from equipment.duty_shift s join equipment.jurisdiction a on a.id = s.area_id
            where s.cancelled_at is null and upper(s.span) > %(at)s and starts_with(j.path, a.path)) r
        where run @> %(at)s::timestamptz)
from equipment.jurisdiction j
where j.kind in ('city', 'district') and (%(path)s::text is null or starts_with(j.path, %(path)s))
order by j.path;

-- name: name_officer
select equipment.name_officer(%s, u.no, %s, %s, %s, %s) from equipment.unit u where u.id = %s;

-- name: officers_of_lifts
select u.id, u.name, u.address, u.use_org_id, o.name, d.named, d.name, f.named, f.name
from equipment.unit u
left join equipment.organisation o on o.id = u.use_org_id
left join lateral (select true as named, x.name from equipment.director_period p left join equipment.person x on x.id = p.value
    where p.unit_no = u.no and p.superseded_at is null and p.valid @> %(today)s) d on true
left join lateral (select true as named, x.name from equipment.officer_period p left join equipment.person x on x.id = p.value
    where p.unit_no = u.no and p.superseded_at is null and p.valid @> %(today)s) f on true
where u.kind in ('lift', 'escalator') and u.status in ('in_use', 'stopped') and u.use_org_id = %(use_unit)s
  and (not %(missing)s or d.named is null or f.named is null)
order by u.name, u.id limit %(limit)s;

-- name: gap_rows
with g as (
    select 'no_firm' as what, u.id as subject, u.name, u.address as detail from equipment.unit u
    where u.kind in ('lift', 'escalator') and u.status = 'in_use' and u.firm_org_id is null
    union all
    select 'no_contract', u.id, u.name, u.address from equipment.unit u
    where u.kind in ('lift', 'escalator') and u.status = 'in_use' and u.firm_org_id is not null and not exists (
        select 1 from equipment.contract_unit m
        where m.unit_no = u.no and m.superseded_at is null and m.valid @> %(today)s::date and m.firm_org_id = u.firm_org_id)
    union all
    select 'no_use_unit', u.id, u.name, u.address from equipment.unit u
    where u.status in ('in_use', 'stopped') and u.use_org_id is null
    union all
    select 'no_plate', u.id, u.name, u.address from equipment.unit u
    where u.kind in ('lift', 'escalator') and u.status = 'in_use' and u.rescue_code is null
    union all
    select 'no_officer', u.id, u.name, u.address from equipment.unit u
    where u.kind in ('lift', 'escalator') and u.status = 'in_use' and not exists (
        select 1 from equipment.officer_period p where p.unit_no = u.no and p.superseded_at is null and p.valid @> %(today)s::date)
    union all
    select 'phone_unverified', o.id::text, o.name, coalesce(o.duty_phone, '') from equipment.organisation o
    where o.kind in ('maintenance_firm', 'use_unit', 'rescue_station') and not exists (
        select 1 from equipment.phone_check c where c.organisation_id = o.id and c.answered and c.phone = o.duty_phone
            and c.at > %(verified_since)s)
    union all
    select 'test_call_due', o.id::text, o.name, coalesce(o.duty_phone, '') from equipment.organisation o
    where o.kind in ('maintenance_firm', 'rescue_station') and not exists (
        select 1 from equipment.phone_check c where c.organisation_id = o.id and c.answered and c.at > %(tested_since)s)
)

-- name: count_gaps
select g.what, count(*)::int from g group by g.what;

-- name: list_gaps
select g.what, g.subject, g.name, g.detail from g where g.what = %(what)s order by g.subject limit %(limit)s;
