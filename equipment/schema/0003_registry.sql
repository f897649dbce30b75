-- 辖区: 市局 -> 县区局 / 分局 -> 监管所 -> 网格. path is '/341300/341302/': a subtree is a prefix.
create table equipment.jurisdiction (
    id text primary key,
    parent_id text references equipment.jurisdiction,
    kind text not null check (kind in ('city', 'district', 'office', 'grid')),
    name_zh text not null,
    name_en text not null,
    gb2260 text,
    path text not null unique
);

create table equipment.organisation (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('use_unit', 'maintenance_firm', 'rescue_station', 'inspection_body',
                                       'authority', 'insurer', 'manufacturer')),
    name text not null,
    credit_code text unique,
    jurisdiction_id text not null references equipment.jurisdiction,
    address text,
    duty_phone text,
    lon double precision,
    lat double precision,
    datum text not null default 'unknown' check (datum in ('wgs84', 'gcj02', 'bd09', 'cgcs2000', 'unknown')),
    created_at timestamptz not null
);

create table equipment.person (
    id bigint generated always as identity primary key,
    organisation_id bigint not null references equipment.organisation,
    name text not null,
    phone text,
    duty text not null,               -- 维保作业人员, 电梯安全员, 电梯安全总监, ...
    certificate_no text,
    certificate_valid_to date
);

-- 特种设备 one machine. id is what devices use in topics; no is the compact key of every reading.
create table equipment.unit (
    no integer generated always as identity primary key,
    id text not null unique check (id ~ '^[A-Za-z0-9_-]{1,40}$'),
    kind text not null,               -- a kind of the signal catalogue: lift, escalator, boiler, ...
    variety_code text not null check (variety_code ~ '^[0-9A-Z]{4}$'),   -- 特种设备目录
    device_code text unique,          -- 设备代码
    registration_code text,           -- 注册代码 (legacy)
    certificate_no text,              -- 使用登记证编号
    rescue_code text unique check (rescue_code ~ '^[0-9]{6}$'),          -- 救援识别码
    internal_no text,                 -- 单位内编号
    name text not null,
    place_name text not null default '',   -- 小区 / 商场 everyday name
    building text not null default '',
    entrance text not null default '',
    address text not null,
    lon double precision,
    lat double precision,
    datum text not null default 'unknown' check (datum in ('wgs84', 'gcj02', 'bd09', 'cgcs2000', 'unknown')),
    accuracy_m real,
    jurisdiction_id text not null references equipment.jurisdiction,
    jurisdiction_path text not null,
    use_org_id bigint references equipment.organisation,
    firm_org_id bigint references equipment.organisation,
    status text not null default 'in_use'
        check (status in ('in_use', 'stopped', 'scrapped', 'cancelled', 'dismantled', 'moved_out', 'unregistered')),
    manufacturer text,
    make_date date,
    first_use_date date,
    device_model text,                -- IoT terminal model, decides what can be sensed; null = no terminal
    insurance_valid_to date,          -- 电梯安全责任保险
    parameters jsonb not null default '{}',  -- rated_speed_m_s, floors, rated_load_kg, ...
    changed_at timestamptz not null
);
create index unit_by_jurisdiction on equipment.unit (jurisdiction_path text_pattern_ops);
create index unit_by_firm on equipment.unit (firm_org_id);
create index unit_by_use_org on equipment.unit (use_org_id);

create function equipment.fill_jurisdiction_path() returns trigger language plpgsql
    security definer set search_path = pg_catalog, equipment as $$
begin
    select path into strict new.jurisdiction_path from equipment.jurisdiction where id = new.jurisdiction_id;
    return new;
end $$;
create trigger unit_jurisdiction_path before insert or update of jurisdiction_id on equipment.unit
    for each row execute function equipment.fill_jurisdiction_path();

call equipment.protect('equipment.jurisdiction', 'equipment.scope_kind() is not null');
call equipment.protect('equipment.unit', $$
    (equipment.scope_kind() = 'jurisdiction' and starts_with(jurisdiction_path, equipment.scope_path()))
    or (equipment.scope_kind() = 'firm' and firm_org_id = equipment.scope_organisation())
    or (equipment.scope_kind() = 'use_unit' and use_org_id = equipment.scope_organisation())
$$, 'select, insert, update (kind, variety_code, device_code, registration_code, certificate_no, rescue_code, internal_no, name,
    place_name, building, entrance, address, lon, lat, datum, accuracy_m, jurisdiction_id, use_org_id, firm_org_id, status,
    manufacturer, make_date, first_use_date, device_model, insurance_valid_to, parameters, changed_at)');
-- Seeing a unit is not yet changing it: only the authority's roles register and correct.
create policy registrars_insert on equipment.unit as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy registrars_update on equipment.unit as restrictive for update to teshe_scoped
    using (equipment.scope_role() in ('inspector', 'regulator'));
call equipment.protect('equipment.organisation', $$
    (equipment.scope_kind() = 'jurisdiction' and equipment.scope_path() is not null) or id = equipment.scope_organisation()
    or exists (select 1 from equipment.unit u where u.firm_org_id = organisation.id or u.use_org_id = organisation.id)
$$);
-- People are seen by their own organisation, and by the authority where the organisation sits or works.
call equipment.protect('equipment.person', $$
    organisation_id = equipment.scope_organisation()
    or (equipment.scope_kind() = 'jurisdiction' and (
        exists (select 1 from equipment.organisation o join equipment.jurisdiction j on j.id = o.jurisdiction_id
                where o.id = person.organisation_id and starts_with(j.path, equipment.scope_path()))
        or exists (select 1 from equipment.unit u
                   where u.firm_org_id = person.organisation_id or u.use_org_id = person.organisation_id)))
$$);
