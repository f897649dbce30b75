-- 96366 核查: the rescue plate of a unit was looked at, or the level-1 phone of an organisation was rung.
create table equipment.hotline_check (
    id bigint generated always as identity primary key,
    unit_no integer references equipment.unit,
    organisation_id bigint references equipment.organisation,
    subject text not null check (subject in ('plate', 'level1_phone')),
    passed boolean not null,
    checked_at timestamptz not null,
    note text not null default '',
    recorded_by bigint,
    recorded_at timestamptz not null,
    check ((subject = 'plate') = (unit_no is not null)),
    check ((subject = 'level1_phone') = (organisation_id is not null))
);
create index hotline_check_by_unit on equipment.hotline_check (unit_no, checked_at desc) where unit_no is not null;
create index hotline_check_by_organisation on equipment.hotline_check (organisation_id, checked_at desc)
    where organisation_id is not null;
create trigger hotline_check_append_only before update or delete or truncate on equipment.hotline_check
    for each statement execute function equipment.refuse_change();
call equipment.protect('equipment.hotline_check', $$
    (unit_no is not null and exists (select 1 from equipment.unit u where u.no = hotline_check.unit_no))
    or (organisation_id is not null and exists (select 1 from equipment.organisation o where o.id = hotline_check.organisation_id))
$$, 'select, insert');
create policy checkers on equipment.hotline_check as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() in ('desk', 'inspector', 'regulator') and recorded_by = equipment.scope_account());
