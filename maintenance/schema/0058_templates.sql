-- 制造单位维保模板: what the manufacturer demands where TSG T5002 names no items, or beyond them. A version never changes; the
-- newest approved version of a name holds.
create table maintenance.template (
    id bigint generated always as identity primary key,
    name text not null check (btrim(name) <> ''),
    version integer not null check (version > 0),
    variety_code text not null,
    manufacturer text not null default '',
    source text not null check (btrim(source) <> ''),      -- the document that it was taken from
    items jsonb not null,
    digest bytea not null check (length(digest) = 32),     -- SHA-256 of the items (RFC 8785)
    account_id bigint not null references equipment.account,
    who text not null,
    imported_at timestamptz not null,
    unique (name, version)
);
create table maintenance.template_decision (
    id bigint generated always as identity primary key,
    template_id bigint not null references maintenance.template,
    decision text not null check (decision in ('approved', 'rejected', 'withdrawn')),
    reason text not null default '',
    account_id bigint not null references equipment.account,
    who text not null,
    at timestamptz not null,
    check (decision = 'approved' or btrim(reason) <> '')
);
create index template_decision_by_template on maintenance.template_decision (template_id, id desc);
-- To one machine, or to all of a variety (and manufacturer). The newest row holds; an empty name takes the template away.
create table maintenance.template_assignment (
    id bigint generated always as identity primary key,
    name text not null,
    unit_no integer,
    variety_code text,
    manufacturer text not null default '',
    account_id bigint not null references equipment.account,
    who text not null,
    at timestamptz not null,
    check ((unit_no is null) <> (variety_code is null))
);
create index template_assignment_by_unit on maintenance.template_assignment (unit_no, id desc) where unit_no is not null;
create index template_assignment_by_variety on maintenance.template_assignment (variety_code, id desc) where unit_no is null;
create trigger template_append_only before update or delete or truncate on maintenance.template
    for each statement execute function equipment.refuse_change();
create trigger template_decision_append_only before update or delete or truncate on maintenance.template_decision
    for each statement execute function equipment.refuse_change();
create trigger template_assignment_append_only before update or delete or truncate on maintenance.template_assignment
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.template', 'equipment.scope_kind() is not null', 'select, insert');
call equipment.protect('maintenance.template_decision', 'equipment.scope_kind() is not null', 'select, insert');
call equipment.protect('maintenance.template_assignment', $$equipment.scope_kind() is not null
    and (unit_no is null or exists (select 1 from equipment.unit u where u.no = template_assignment.unit_no))$$, 'select, insert');
create policy own_templates on maintenance.template as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account());
create policy authority_decides on maintenance.template_decision as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account() and equipment.scope_kind() = 'jurisdiction');
create policy own_machines_or_authority on maintenance.template_assignment as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account() and (unit_no is not null or equipment.scope_kind() = 'jurisdiction'));
