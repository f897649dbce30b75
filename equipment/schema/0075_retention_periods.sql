-- 保存期批准: how long a class of personal data is kept, by whom it was approved and why. The newest row of a class holds.
create table equipment.retention_period (
    id bigint generated always as identity primary key,
    class text not null,                       -- of equipment/access/personal_data.yaml
    days integer not null check (days > 0),
    reason text not null check (btrim(reason) <> ''),
    approved_at timestamptz not null,
    approved_by bigint not null references equipment.account
);
create index retention_period_newest on equipment.retention_period (class, id desc);
create trigger retention_period_append_only before update or delete or truncate on equipment.retention_period
    for each statement execute function equipment.refuse_change();
call equipment.protect('equipment.retention_period',
    'equipment.scope_role() in (''security_admin'', ''auditor'', ''system_admin'')', 'select, insert');
create policy approvers on equipment.retention_period as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() = 'security_admin' and approved_by = equipment.scope_account());
