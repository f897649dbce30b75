-- 无纸化切换: a firm runs paper and paperless side by side for some cycles; from a day on nobody asks for paper.
create table maintenance.paperless_switch (
    id bigint generated always as identity primary key,
    firm_org_id bigint not null references equipment.organisation,
    parallel_from date not null,
    cycles integer not null check (cycles between 0 and 12),
    paperless_from date not null check (paperless_from >= parallel_from),
    account_id bigint not null references equipment.account,
    who text not null,
    recorded_at timestamptz not null
);
create index paperless_switch_by_firm on maintenance.paperless_switch (firm_org_id, id desc);
create trigger paperless_switch_append_only before update or delete or truncate on maintenance.paperless_switch
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.paperless_switch', $$firm_org_id = equipment.scope_organisation()
    or exists (select 1 from equipment.unit u where u.firm_org_id = paperless_switch.firm_org_id)$$, 'select, insert');
create policy own_switch on maintenance.paperless_switch as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account() and firm_org_id = equipment.scope_organisation());

-- 历史: scans of paper records. They are kept beside the lift; they are no records, and no visit counts by them.
create table maintenance.paper_scan (
    id bigint generated always as identity primary key,
    unit_no integer not null,
    firm_org_id bigint not null,
    visited_on date not null,
    level text not null check (level in ('half_month', 'quarter', 'half_year', 'year', 'on_demand')),
    sha256 bytea not null check (length(sha256) = 32),   -- the picture, sent like a photo
    note text not null default '',
    account_id bigint not null references equipment.account,
    received_at timestamptz not null,
    unique (unit_no, sha256)
);
create trigger paper_scan_append_only before update or delete or truncate on maintenance.paper_scan
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.paper_scan', 'exists (select 1 from equipment.unit u where u.no = paper_scan.unit_no)', 'select, insert');
create policy own_scans on maintenance.paper_scan as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account() and firm_org_id = equipment.scope_organisation());
