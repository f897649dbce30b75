-- 电子数据提取: what was taken out of the platform for a case, when, by which officers, with the digests of every file.
create table maintenance.extract (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('hazard', 'record', 'telemetry')),
    subject text not null,
    hazard_id bigint references maintenance.hazard,
    unit_no integer,
    about jsonb not null,              -- officers, party and statement, source, method
    manifest jsonb not null,           -- file -> {bytes, sha256, sm3}
    bundle bytea not null check (length(bundle) <= 67108864),
    sha256 bytea not null check (sha256 = sha256(bundle)),
    made_at timestamptz not null,
    made_by bigint not null,
    check ((hazard_id is not null) or (unit_no is not null))
);
create trigger extract_append_only before update or delete or truncate on maintenance.extract
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.extract',
    'equipment.scope_kind() = ''jurisdiction'' and (exists (select 1 from maintenance.hazard h where h.id = extract.hazard_id)
     or exists (select 1 from equipment.unit u where u.no = extract.unit_no))', 'select, insert');
create policy officers_insert on maintenance.extract as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator') and made_by = equipment.scope_account());
