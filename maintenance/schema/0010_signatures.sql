-- The content of a record never changes; only its state moves. A correction is a new, linked record.
create function maintenance.record_content_stays() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and (new.id, new.unit_no, new.firm_org_id, new.idempotency_key, new.level, new.template, new.started_at,
            new.ended_at, new.received_at, new.corrects, new.content, new.digest, new.workers, new.seal_key_id, new.seal)
       is not distinct from (old.id, old.unit_no, old.firm_org_id, old.idempotency_key, old.level, old.template,
            old.started_at, old.ended_at, old.received_at, old.corrects, old.content, old.digest, old.workers,
            old.seal_key_id, old.seal) then
        return new;
    end if;
    raise exception 'a filed record is never changed or removed: file a correction'
        using errcode = 'integrity_constraint_violation';
end $$;
-- 维保单位签章: the firm's key over the record, if the firm's system filed it.
alter table maintenance.record add column seal_key_id text references equipment.signing_key, add column seal bytea,
    add check ((seal_key_id is null) = (seal is null));
create trigger record_content_stays before update or delete on maintenance.record
    for each row execute function maintenance.record_content_stays();

-- 签名: each from the signer's own account, over exactly what he was shown.
create table maintenance.record_signature (
    id bigint generated always as identity primary key,
    record_id uuid not null references maintenance.record,
    unit_no integer not null,
    role text not null check (role in ('worker', 'officer')),
    account_id bigint not null references equipment.account,
    signer text not null,                      -- the account's name then, by value
    digest bytea not null check (length(digest) = 32),    -- of the canonical form that was shown
    method text not null check (method in ('session', 'confirmation')),
    device text not null default '',           -- what the signer's browser or app says it is
    device_time timestamptz,
    received_at timestamptz not null,
    unique (record_id, role, account_id)
);
create trigger record_signature_append_only before update or delete or truncate on maintenance.record_signature
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.record_signature',
    'exists (select 1 from equipment.unit u where u.no = record_signature.unit_no)', 'select, insert');
create policy own_signature on maintenance.record_signature as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account());
