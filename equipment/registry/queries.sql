-- name: unit_columns
select u.no, u.id, u.kind, u.variety_code, u.device_code, u.registration_code, u.certificate_no, u.rescue_code,
       u.internal_no, u.name, u.place_name, u.building, u.entrance, u.address, u.lon, u.lat, u.datum,
       u.jurisdiction_id, u.jurisdiction_path, j.name_zh, u.use_org_id, o.name, o.duty_phone, u.firm_org_id, f.name,
       f.duty_phone, u.status, u.manufacturer, u.make_date, u.first_use_date, u.device_model, u.insurance_valid_to,
       u.parameters, u.changed_at, u.accuracy_m, u.owner_org_id, w.name, u.maintenance_mode
from equipment.unit u
join equipment.jurisdiction j on j.id = u.jurisdiction_id
left join equipment.organisation o on o.id = u.use_org_id
left join equipment.organisation f on f.id = u.firm_org_id
left join equipment.organisation w on w.id = u.owner_org_id;

-- name: where_no
where u.no = %s;

-- name: where_id
where u.id = %s;

-- name: where_rescue_code
where u.rescue_code = %s;

-- name: lock_unit
select 1 from equipment.unit where id = %s for update;

-- name: search
where u.no = any(array(select equipment.find_units(%(words)s, %(kind)s, %(status)s, %(jurisdiction)s, %(after)s, %(limit)s)))
order by u.no;

-- name: find_numbers
select equipment.find_units(%s, '', '', '', 0, %s);

-- name: without_initials
select no, name, place_name, building, entrance, address from equipment.unit where initials = '' order by no limit %s;

-- name: write_initials
update equipment.unit u set initials = w.initials
from unnest(%s::integer[], %s::text[]) as w(no, initials) where u.no = w.no;

-- name: units_for_worker
select no, id, kind, variety_code, status, device_model, parameters, jurisdiction_path, firm_org_id from equipment.unit
order by no;

-- name: insert_unit
insert into equipment.unit (id, kind, variety_code, name, address, jurisdiction_id, device_code, registration_code,
    certificate_no, rescue_code, internal_no, place_name, building, entrance, lon, lat, datum, use_org_id, firm_org_id,
    status, manufacturer, make_date, first_use_date, device_model, insurance_valid_to, parameters, accuracy_m,
    owner_org_id, maintenance_mode, initials, changed_at)
values (
    %(id)s, %(kind)s, %(variety_code)s, %(name)s, %(address)s, %(jurisdiction_id)s, %(device_code)s,
    %(registration_code)s, %(certificate_no)s, %(rescue_code)s, %(internal_no)s, %(place_name)s, %(building)s,
    %(entrance)s, %(lon)s, %(lat)s, %(datum)s, %(use_org_id)s, %(firm_org_id)s, %(status)s, %(manufacturer)s,
    %(make_date)s, %(first_use_date)s, %(device_model)s, %(insurance_valid_to)s, %(parameters)s,
    %(accuracy_m)s, %(owner_org_id)s, %(maintenance_mode)s, %(initials)s, %(now)s
)
returning no;

-- name: insert_organisation
insert into equipment.organisation (kind, name, credit_code, jurisdiction_id, address, duty_phone, lon, lat, datum, created_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
returning id;

-- name: organisations_of_kind
select id, kind, name, credit_code, jurisdiction_id, address, duty_phone, lon, lat
from equipment.organisation where kind = %s order by id;

-- name: insert_jurisdiction
insert into equipment.jurisdiction (id, parent_id, kind, name_zh, name_en, gb2260, path)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (id) do nothing;

-- name: insert_person
insert into equipment.person (organisation_id, name, phone, duty, certificate_no, certificate_valid_to)
values (%s, %s, %s, %s, %s, %s) returning id;

-- name: counts
select u.kind, u.status, count(*)::int, count(*) filter (where u.rescue_code is not null)::int,
       count(*) filter (where u.insurance_valid_to >= %(today)s)::int,
       count(*) filter (where u.device_model is not null)::int
from equipment.unit u
where strpos(u.jurisdiction_path, %(jurisdiction)s) > 0 or %(jurisdiction)s = ''
group by u.kind, u.status;
