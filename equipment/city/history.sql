-- name: units
select no, kind, variety_code, status, coalesce(first_use_date, equipment.shanghai_day(changed_at)), firm_org_id, use_org_id, rescue_code, insurance_valid_to
from equipment.unit order by no;

-- name: write_status
insert into equipment.status_period (unit_no, value, valid, recorded_at, reason)
select w.no, w.value::text, daterange(w.since, w.until), %(now)s, %(why)s
from unnest(%(units)s::integer[], %(values)s::text[], %(since)s::date[], %(until)s::date[]) as w(no, value, since, until);

-- name: write_firm
insert into equipment.firm_period (unit_no, value, valid, recorded_at, reason)
select w.no, w.value::bigint, daterange(w.since, w.until), %(now)s, %(why)s
from unnest(%(units)s::integer[], %(values)s::text[], %(since)s::date[], %(until)s::date[]) as w(no, value, since, until);

-- name: write_use_unit
insert into equipment.use_unit_period (unit_no, value, valid, recorded_at, reason)
select w.no, w.value::bigint, daterange(w.since, w.until), %(now)s, %(why)s
from unnest(%(units)s::integer[], %(values)s::text[], %(since)s::date[], %(until)s::date[]) as w(no, value, since, until);

-- name: write_plate
insert into equipment.plate_period (unit_no, value, valid, recorded_at, reason)
select w.no, w.value::text, daterange(w.since, w.until), %(now)s, %(why)s
from unnest(%(units)s::integer[], %(values)s::text[], %(since)s::date[], %(until)s::date[]) as w(no, value, since, until);

-- name: write_policy
insert into equipment.policy_period (unit_no, value, valid, recorded_at, reason)
select w.no, w.value::text, daterange(w.since, w.until), %(now)s, %(why)s
from unnest(%(units)s::integer[], %(values)s::text[], %(since)s::date[], %(until)s::date[]) as w(no, value, since, until);

-- name: write_inspections
insert into equipment.inspection (unit_no, kind, performed_on, conclusion, report_no, recorded_at)
select w.no, w.kind, w.day, 'passed', 'BG-' || w.no || '-' || to_char(w.day, 'YYYYMM'), %(now)s
from unnest(%(units)s::integer[], %(kinds)s::text[], %(days)s::date[]) as w(no, kind, day);

-- name: officers
with named as (
    select u.no, greatest(u.first_use_date, %(order_74)s::date) as since,
           (select min(p.id) from equipment.person p where p.organisation_id = u.use_org_id and p.duty = '电梯安全总监') as director,
           (select min(p.id) from equipment.person p where p.organisation_id = u.use_org_id and p.duty = '电梯安全员') as officer
    from equipment.unit u where u.kind in ('lift', 'escalator') and u.no %% 23 <> 0
), directors as (
    insert into equipment.director_period (unit_no, value, valid, recorded_at, reason)
    select no, director, daterange(since, null), %(now)s, %(why)s from named where director is not null
)
insert into equipment.officer_period (unit_no, value, valid, recorded_at, reason)
select no, officer, daterange(since, null), %(now)s, %(why)s from named where officer is not null;

-- name: modes
insert into equipment.mode_period (unit_no, value, valid, recorded_at, reason)
select no, 'traditional', daterange(first_use_date, null), %(now)s, %(why)s from equipment.unit
where kind in ('lift', 'escalator') and maintenance_mode is null and first_use_date is not null;

-- name: licences
insert into equipment.licence (organisation_id, kind, number, scope, valid, recorded_at)
select id, 'maintenance', 'TS3334' || to_char(id, 'FM000') || '-2028', '曳引驱动乘客电梯（含维修）',
       daterange(%(today)s::date - 900 - id::integer * 31, %(today)s::date + 560 - id::integer * 31), %(now)s
from equipment.organisation where kind = 'maintenance_firm';

-- name: grades
insert into equipment.credit_grade (organisation_id, grade, since, basis, recorded_at)
select id, (array['A', 'B', 'A', 'C', 'B'])[1 + (id %% 5)::integer], %(today)s::date - 200, '年度维保单位信用评价', %(now)s
from equipment.organisation where kind = 'maintenance_firm';

-- name: certificates
insert into equipment.certificate (person_id, kind, number, valid, recorded_at)
select id, '特种设备作业人员证', certificate_no, daterange(certificate_valid_to - 1460, certificate_valid_to, '[]'), %(now)s
from equipment.person where certificate_no is not null and certificate_valid_to is not null;

-- name: contracts
insert into equipment.contract (number, firm_org_id, use_org_id, signed_on, recorded_at)
select 'WB' || to_char(%(today)s::date, 'YYYY') || '-' || to_char(row_number() over (order by firm_org_id, use_org_id), 'FM0000'),
       firm_org_id, use_org_id, date_trunc('year', %(today)s::date)::date - 12, %(now)s
from equipment.unit where firm_org_id is not null and use_org_id is not null group by firm_org_id, use_org_id;

-- name: contract_units
insert into equipment.contract_unit (contract_id, unit_no, valid, firm_org_id, use_org_id)
select c.id, u.no, daterange(date_trunc('year', %(today)s::date)::date, (date_trunc('year', %(today)s::date) + interval '1 year')::date),
       u.firm_org_id, u.use_org_id
from equipment.unit u join equipment.contract c on c.firm_org_id = u.firm_org_id and c.use_org_id = u.use_org_id;

-- name: shifts
insert into equipment.duty_shift (organisation_id, area_id, person_id, phone, span, recorded_at)
select o.id, case when o.kind = 'rescue_station' then o.jurisdiction_id else '341300' end,
       (array_agg(p.id order by p.id))[1 + ((n + 2) %% count(p.id))::integer],
       o.duty_phone, tstzrange(start, start + interval '12 hours'), %(now)s
from equipment.organisation o join equipment.person p on p.organisation_id = o.id,
     lateral (select n, (%(today)s::date + time '08:00') at time zone 'Asia/Shanghai' + n * interval '12 hours' as start
              from generate_series(-2, 27) n) s
where o.kind in ('maintenance_firm', 'rescue_station')
group by o.id, o.kind, o.jurisdiction_id, o.duty_phone, n, start;

-- name: phone_checks
insert into equipment.phone_check (organisation_id, phone, at, answered, seconds_to_answer, note)
select id, duty_phone, %(now)s - (id * 37 %% 45) * interval '1 day', id %% 9 <> 0, case when id %% 9 <> 0 then 4 + id %% 20 end, '定期测试'
from equipment.organisation where kind in ('maintenance_firm', 'use_unit', 'rescue_station') and duty_phone is not null;

-- name: rebuild
select equipment.rebuild_segments(%(units)s), equipment.project(%(units)s, %(now)s);
