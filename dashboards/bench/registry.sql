-- name: organisations
insert into equipment.organisation (kind, name, jurisdiction_id, duty_phone, created_at)
select case when n <= %(firms)s then 'maintenance_firm' else 'use_unit' end, '单位' || n, '341300', '1990000' || to_char(n, 'FM0000'), %(now)s
from generate_series(1, %(firms)s::integer + %(use_units)s::integer) n;

-- name: units
insert into equipment.unit (id, kind, variety_code, name, address, jurisdiction_id, device_code, certificate_no, rescue_code, internal_no,
    place_name, building, entrance, use_org_id, firm_org_id, status, make_date, first_use_date, insurance_valid_to, parameters, initials,
    changed_at)
select 'L' || to_char(n, 'FM0000000'), case when n %% 10 = 0 then 'escalator' else 'lift' end, case when n %% 10 = 0 then '3310' else '3110' end,
       p.place || n %% 211 || '栋' || 1 + n %% 3 || '单元电梯', s.street || 1 + n %% 1999 || '号',
       (array['341302-01', '341302-02', '341302-03', '341302-01', '341321-01', '341322-01', '341323', '341324', '341371', '341372'])[1 + n / 7 %% 10],
       '311010' || to_char(n %% 890, 'FM000') || '2015' || to_char(n, 'FM000000'), '梯11皖L' || to_char(n, 'FM000000') || '(15)',
       to_char(100000 + n, 'FM000000'), n %% 40 || '#', p.place, n %% 211 || '栋', 1 + n %% 3 || '单元',
       121 + n %% 2000, 1 + n %% 120, case when n %% 20 = 0 then 'stopped' else 'in_use' end,
       date '2008-01-01' + n %% 6000, date '2008-03-01' + n %% 6000,
       case when n %% 10 < 7 then date '2026-12-01' + n %% 300 end, '{}',
       p.initials || n %% 211 || 'd' || 1 + n %% 3 || 'dydt ' || p.initials || n %% 211 || 'd' || 1 + n %% 3 || 'dy '
           || s.initials || 1 + n %% 1999 || 'h', %(now)s
from generate_series(%(first)s::integer, %(last)s::integer) n,
lateral (select (%(places)s::text[])[(1 + (n::bigint * 7919 + %(seed)s) %% cardinality(%(places)s::text[]))::integer] as place,
                (%(place_initials)s::text[])[(1 + (n::bigint * 7919 + %(seed)s) %% cardinality(%(places)s::text[]))::integer] as initials) p,
lateral (select (%(streets)s::text[])[1 + n * 31 %% cardinality(%(streets)s::text[])] as street,
                (%(street_initials)s::text[])[1 + n * 31 %% cardinality(%(streets)s::text[])] as initials) s;

-- name: policies
insert into equipment.policy_period (unit_no, value, valid, recorded_at)
select u.no, 'P' || u.no || '-' || age,
       daterange(u.insurance_valid_to - 365 * (age + 1) + case when u.no %% 5 = 0 then 20 else 0 end,
                 least(u.insurance_valid_to - 365 * age, equipment.shanghai_day(%(now)s))), %(now)s
from equipment.unit u, generate_series(0, 3) age
where u.no between %(first)s and %(last)s and u.insurance_valid_to is not null
  and u.insurance_valid_to - 365 * (age + 1) + 20 < equipment.shanghai_day(%(now)s);

-- name: firms
insert into equipment.firm_period (unit_no, value, valid, recorded_at)
select u.no, case when half = 0 then 1 + (u.no + 1) %% 120 else u.firm_org_id end,
       case when half = 0 then daterange(u.first_use_date, greatest(u.first_use_date + 1, equipment.shanghai_day(%(now)s) - 700 - u.no %% 300))
            else daterange(greatest(u.first_use_date + 1, equipment.shanghai_day(%(now)s) - 700 - u.no %% 300), equipment.shanghai_day(%(now)s)) end,
       %(now)s
from equipment.unit u, generate_series(0, 1) half where u.no between %(first)s and %(last)s and u.no %% 3 = 0;

-- name: stops
insert into equipment.status_period (unit_no, value, valid, recorded_at)
select u.no, 'in_use', daterange(u.first_use_date, equipment.shanghai_day(%(now)s)), %(now)s
from equipment.unit u where u.no between %(first)s and %(last)s and u.status = 'stopped';

-- name: segments
select equipment.rebuild_segments(array(select no from equipment.unit where no between %(first)s and %(last)s));
