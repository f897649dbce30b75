-- 当日封存: a firm without a system of its own seals the records of one day together, by a person who proves himself anew.
create table maintenance.day_seal (
    id uuid primary key,
    firm_org_id bigint not null references equipment.organisation,
    day date not null,                         -- of the records' sign-out
    digest bytea not null check (length(digest) = 32),    -- of the statement that was shown (RFC 8785)
    account_id bigint not null references equipment.account,
    signer text not null,                      -- by value
    method text not null check (method in ('password', 'password_and_code')),
    device text not null default '',
    received_at timestamptz not null,
    key_id text not null,                      -- of the server, which countersigned
    countersignature text not null             -- base64
);
create index day_seal_by_firm on maintenance.day_seal (firm_org_id, day desc, received_at desc);
create table maintenance.day_seal_record (
    record_id uuid primary key references maintenance.record,     -- a record is sealed once
    seal_id uuid not null references maintenance.day_seal,
    firm_org_id bigint not null,
    commitment bytea not null check (length(commitment) = 32)     -- as in the log: an erased record leaves the seal whole
);
create index day_seal_record_by_seal on maintenance.day_seal_record (seal_id);
create trigger day_seal_append_only before update or delete or truncate on maintenance.day_seal
    for each statement execute function equipment.refuse_change();
create trigger day_seal_record_append_only before update or delete or truncate on maintenance.day_seal_record
    for each statement execute function equipment.refuse_change();
-- who may see one of its records may see under which seal it stands
call equipment.protect('maintenance.day_seal_record', $$firm_org_id = equipment.scope_organisation()
    or exists (select 1 from maintenance.record r where r.id = day_seal_record.record_id)$$, 'select, insert');
call equipment.protect('maintenance.day_seal', $$firm_org_id = equipment.scope_organisation()
    or exists (select 1 from maintenance.day_seal_record d where d.seal_id = day_seal.id)$$, 'select, insert');
create policy own_day_seals on maintenance.day_seal as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account() and firm_org_id = equipment.scope_organisation());
create policy own_day_seal_records on maintenance.day_seal_record as restrictive for insert to teshe_scoped
    with check (firm_org_id = equipment.scope_organisation());
