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
$$);
call equipment.protect('equipment.organisation', $$
    equipment.scope_kind() = 'jurisdiction' or id = equipment.scope_organisation()
    or exists (select 1 from equipment.unit u where u.firm_org_id = organisation.id or u.use_org_id = organisation.id)
$$);
call equipment.protect('equipment.person', $$
    equipment.scope_kind() = 'jurisdiction' or organisation_id = equipment.scope_organisation()
$$);
