-- 账号. Scope = role x jurisdiction subtree x organisation.
create table equipment.account (
    id bigint generated always as identity primary key,
    login text not null unique,
    display_name text not null,
    password_hash text not null,
    role text not null check (role in ('desk', 'firm_manager', 'firm_worker', 'use_unit_director', 'use_unit_officer',
        'inspector', 'regulator', 'system_admin', 'security_admin', 'auditor')),
    organisation_id bigint references equipment.organisation,
    jurisdiction_id text references equipment.jurisdiction,
    person_id bigint references equipment.person,
    active boolean not null default true,
    failed_attempts integer not null default 0,
    locked_until timestamptz,
    created_at timestamptz not null
);

create table equipment.login_session (
    token_sha256 bytea primary key,
    account_id bigint not null references equipment.account,
    csrf_token text not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null
);

create table equipment.api_token (
    id bigint generated always as identity primary key,
    prefix text not null unique,
    secret_sha256 bytea not null,
    account_id bigint not null references equipment.account,
    name text not null,
    actions text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);

-- 审计, append-only.
create table equipment.audit_entry (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    account_id bigint,
    action text not null,
    subject text not null,
    before jsonb,
    after jsonb,
    reason text,
    origin text
);

create function equipment.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'table %.% is append-only: record a correction instead', tg_table_schema, tg_table_name
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger audit_append_only before update or delete or truncate on equipment.audit_entry
    for each statement execute function equipment.refuse_change();

-- Credentials are reached by the web only through the definer functions of the access room.
call equipment.protect('equipment.account', 'id = equipment.scope_account() or equipment.scope_role() in (''security_admin'', ''auditor'')');
revoke select on equipment.account from teshe_scoped;
grant select (id, login, display_name, role, organisation_id, jurisdiction_id, active, created_at) on equipment.account to teshe_scoped;
call equipment.protect('equipment.login_session', 'account_id = equipment.scope_account()', 'select (account_id, created_at, last_seen_at, expires_at)');
call equipment.protect('equipment.api_token', 'account_id = equipment.scope_account()', 'select (id, prefix, account_id, name, actions, created_at, expires_at, revoked_at), update (revoked_at)');
call equipment.protect('equipment.audit_entry', 'equipment.scope_role() in (''auditor'', ''security_admin'')', 'select');
grant insert on equipment.audit_entry to teshe_scoped;
-- those who may read it may not write in another's name
create policy own_entries on equipment.audit_entry as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account());
create policy scoped_write on equipment.audit_entry for insert to teshe_scoped with check (account_id = equipment.scope_account());
