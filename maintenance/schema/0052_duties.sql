-- 日管控 周排查 月调度 (总局令第74号): what the use-unit checked, found and decided. Append-only; the newest of a period counts.
create table maintenance.duty_report (
    id bigint generated always as identity primary key,
    use_org_id bigint not null references equipment.organisation,
    kind text not null check (kind in ('daily', 'weekly', 'monthly')),
    period_on date not null,                   -- the day, the Monday, the first of the month
    site text not null default '',             -- of a daily list: one signature covers one site
    zero_risk boolean not null,                -- 零风险报告: checked, and nothing found
    content jsonb not null,                    -- as signed: every lift by value, items, texts
    digest bytea not null check (length(digest) = 32),
    account_id bigint not null references equipment.account,
    signer text not null,
    device text not null default '',
    late boolean not null,                     -- filed after its period had ended
    received_at timestamptz not null,
    unique (use_org_id, kind, period_on, site, digest)
);
create index duty_report_by_time on maintenance.duty_report (use_org_id, period_on desc);
create trigger duty_report_append_only before update or delete or truncate on maintenance.duty_report
    for each statement execute function equipment.refuse_change();
create table maintenance.duty_unit (
    report_id bigint not null references maintenance.duty_report,
    unit_no integer not null,
    day date not null,
    result text not null check (result in ('ok', 'problem', 'stopped')),
    note text not null default '',
    primary key (report_id, unit_no)
);
create index duty_unit_by_day on maintenance.duty_unit (unit_no, day);
create trigger duty_unit_append_only before update or delete or truncate on maintenance.duty_unit
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.duty_report', $$
    (equipment.scope_kind() = 'use_unit' and use_org_id = equipment.scope_organisation())
    or (equipment.scope_kind() = 'jurisdiction' and exists (select 1 from equipment.unit u where u.use_org_id = duty_report.use_org_id))$$,
    'select, insert');
create policy own_duties on maintenance.duty_report as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account() and use_org_id = equipment.scope_organisation());
call equipment.protect('maintenance.duty_unit', 'exists (select 1 from equipment.unit u where u.no = duty_unit.unit_no)', 'select, insert');
