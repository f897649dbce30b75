-- 单位与人员: licences, credit grades, certificates, phones that somebody has tried, and who is named for which lift.
alter table equipment.organisation add column changed_at timestamptz;
update equipment.organisation set changed_at = created_at where changed_at is null;
alter table equipment.organisation alter column changed_at set default '1970-01-01Z', alter column changed_at set not null;
alter table equipment.person add column left_on date, add column changed_at timestamptz not null default '1970-01-01Z';

create table equipment.licence (
    id bigint generated always as identity primary key,
    organisation_id bigint not null references equipment.organisation,
    kind text not null check (kind in ('maintenance', 'installation', 'manufacture', 'inspection', 'filling')),
    number text not null,
    scope text not null default '',
    valid daterange not null check (not isempty(valid)),
    recorded_at timestamptz not null,
    exclude using gist (organisation_id with =, kind with =, number with =, valid with &&)
);
create table equipment.credit_grade (
    id bigint generated always as identity primary key,
    organisation_id bigint not null references equipment.organisation,
    grade text not null check (grade in ('A', 'B', 'C', 'D')),
    since date not null,
    basis text not null,
    recorded_at timestamptz not null,
    account_id bigint,
    unique (organisation_id, since)
);
create table equipment.certificate (
    id bigint generated always as identity primary key,
    person_id bigint not null references equipment.person,
    kind text not null,                -- 特种设备作业人员证, 安全管理人员证 …
    number text not null,
    valid daterange not null check (not isempty(valid)),
    recorded_at timestamptz not null,
    unique (number, valid)
);
create index certificate_by_person on equipment.certificate (person_id);

-- 电话核实 and 测试电话: whether somebody answered. Append-only.
create table equipment.phone_check (
    id bigint generated always as identity primary key,
    organisation_id bigint not null references equipment.organisation,
    person_id bigint references equipment.person,
    phone text not null,
    at timestamptz not null,
    answered boolean not null,
    seconds_to_answer integer check (seconds_to_answer >= 0),
    note text not null default '',
    account_id bigint
);
create index phone_check_newest on equipment.phone_check (organisation_id, at desc);
create trigger phone_check_append_only before update or delete or truncate on equipment.phone_check
    for each statement execute function equipment.refuse_change();

-- 值班表: who answers for an area in a shift.
create table equipment.duty_shift (
    id bigint generated always as identity primary key,
    organisation_id bigint not null references equipment.organisation,
    area_id text not null references equipment.jurisdiction,
    person_id bigint not null references equipment.person,
    phone text not null,
    span tstzrange not null check (not isempty(span) and not lower_inf(span) and not upper_inf(span)),
    recorded_at timestamptz not null,
    cancelled_at timestamptz,
    exclude using gist (person_id with =, area_id with =, span with &&) where (cancelled_at is null)
);
create index duty_shift_by_area on equipment.duty_shift (area_id, upper(span)) where cancelled_at is null;

-- 检验与检测: what the next one is counted from.
create table equipment.inspection (
    id bigint generated always as identity primary key,
    unit_no integer not null references equipment.unit,
    kind text not null check (kind in ('supervision', 'repair_supervision', 'periodic', 'self_test', 'restart')),
    performed_on date not null,
    conclusion text not null check (conclusion in ('passed', 'failed')),
    body_org_id bigint references equipment.organisation,
    report_no text,
    corrects bigint unique references equipment.inspection,
    recorded_at timestamptz not null,
    account_id bigint
);
create index inspection_by_unit on equipment.inspection (unit_no, performed_on);
create trigger inspection_append_only before update or delete or truncate on equipment.inspection
    for each statement execute function equipment.refuse_change();

call equipment.protect('equipment.licence', 'exists (select 1 from equipment.organisation o where o.id = organisation_id)', 'select, insert');
call equipment.protect('equipment.credit_grade', 'exists (select 1 from equipment.organisation o where o.id = organisation_id)', 'select, insert');
call equipment.protect('equipment.certificate', 'exists (select 1 from equipment.person p where p.id = person_id)', 'select, insert');
call equipment.protect('equipment.phone_check', $$organisation_id = equipment.scope_organisation()
    or (equipment.scope_kind() = 'jurisdiction' and equipment.scope_path() is not null)$$, 'select, insert');
call equipment.protect('equipment.duty_shift', $$organisation_id = equipment.scope_organisation()
    or (equipment.scope_kind() = 'jurisdiction' and equipment.scope_path() is not null)$$, 'select, insert, update (cancelled_at)');
call equipment.protect('equipment.inspection', 'exists (select 1 from equipment.unit u where u.no = unit_no)', 'select, insert');
create policy registrars on equipment.licence as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy registrars on equipment.credit_grade as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy registrars on equipment.inspection as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy callers on equipment.phone_check as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('desk', 'inspector', 'regulator') and account_id = equipment.scope_account());

-- The authority registers and corrects organisations; people are kept by their own organisation as well.
grant insert, update (name, credit_code, jurisdiction_id, address, duty_phone, lon, lat, datum, changed_at)
    on equipment.organisation to teshe_scoped;
create policy registrars_insert on equipment.organisation as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy registrars_update on equipment.organisation as restrictive for update to teshe_scoped using (
    equipment.scope_role() in ('inspector', 'regulator')
    or equipment.scope_role() in ('firm_manager', 'use_unit_director') and id = equipment.scope_organisation());
grant insert, update (name, phone, duty, certificate_no, certificate_valid_to, left_on, changed_at) on equipment.person to teshe_scoped;
create policy keepers_insert on equipment.person as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() in ('inspector', 'regulator', 'firm_manager', 'use_unit_director'));
create policy keepers_update on equipment.person as restrictive for update to teshe_scoped using (
    equipment.scope_role() in ('inspector', 'regulator', 'firm_manager', 'use_unit_director'));

-- 电梯安全总监 and 电梯安全员 are named by the use-unit itself (总局令第74号 art. 71), from its own people.
create function equipment.name_officer(duty text, unit integer, person bigint, since date, at timestamptz, why text) returns boolean
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    if duty not in ('director', 'officer') then
        raise exception 'no such duty' using errcode = 'invalid_parameter_value';
    end if;
    if current_setting('role') = 'teshe_scoped' and not exists (
        select 1 from equipment.unit u where u.no = unit and (
            coalesce(equipment.scope_role(), '') in ('inspector', 'regulator') and equipment.in_scope(u.jurisdiction_path, null, null)
            or equipment.scope_role() = 'use_unit_director' and u.use_org_id = equipment.scope_organisation())) then
        raise exception 'unit % is not the caller''s', unit using errcode = 'insufficient_privilege';
    end if;
    if person is not null and not exists (select 1 from equipment.person p join equipment.unit u on u.use_org_id = p.organisation_id
                   where p.id = person and u.no = unit and (p.left_on is null or p.left_on > since)) then
        raise exception 'person % does not work for the use-unit of this lift', person using errcode = 'no_data_found';
    end if;
    return equipment.write_period(duty, unit, person::text, daterange(since, null), at, why);
end $$;
revoke all on function equipment.name_officer(text, integer, bigint, date, timestamptz, text) from public;
grant execute on function equipment.name_officer(text, integer, bigint, date, timestamptz, text) to teshe_scoped, teshe_system;
