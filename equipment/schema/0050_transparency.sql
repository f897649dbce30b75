-- 防篡改日志 (RFC 9162): commitments only, never personal data. What they commit to lies elsewhere and may be erased by law.
-- Pending rows are numbered by one sequencer, so that the order of the log is the order of commit.
create table equipment.log_pending (
    id bigint generated always as identity primary key,
    kind text not null,                        -- record, ledger, audit, ...
    subject text not null,                     -- an identifier without meaning, such as a record's uuid
    commitment bytea not null check (length(commitment) = 32),   -- SHA-256(salt || digest)
    at timestamptz not null
);

create table equipment.log_entry (
    seq bigint primary key check (seq >= 0),   -- index of the leaf
    kind text not null,
    subject text not null,
    commitment bytea not null check (length(commitment) = 32),
    at timestamptz not null,
    sequenced_at timestamptz not null
);
create index log_entry_by_subject on equipment.log_entry (subject, kind);
create trigger log_entry_append_only before update or delete or truncate on equipment.log_entry
    for each statement execute function equipment.refuse_change();

create table equipment.log_tile (
    level smallint not null,
    index bigint not null,
    hashes bytea not null check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
    primary key (level, index)
);
-- A tile only grows: what stands in it stays.
create function equipment.tile_only_grows() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.level = old.level and new.index = old.index
       and length(new.hashes) > length(old.hashes)
       and substring(new.hashes from 1 for length(old.hashes)) = old.hashes then
        return new;
    end if;
    raise exception 'a tile of the log only grows' using errcode = 'integrity_constraint_violation';
end $$;
create trigger log_tile_only_grows before update or delete on equipment.log_tile
    for each row execute function equipment.tile_only_grows();
create trigger log_tile_no_truncate before truncate on equipment.log_tile
    for each statement execute function equipment.refuse_change();

-- Signed by the server; the note is in the form of C2SP signed-note and tlog-checkpoint.
create table equipment.log_checkpoint (
    size bigint not null check (size >= 0),
    at timestamptz not null,
    root bytea not null check (length(root) = 32),
    key_id text not null,
    note text not null,
    primary key (size, at)
);
create trigger log_checkpoint_append_only before update or delete or truncate on equipment.log_checkpoint
    for each statement execute function equipment.refuse_change();

-- 公钥: of the server and of firms. The algorithm is a field: SM2 can follow without changing what is signed.
create table equipment.signing_key (
    id text primary key,                       -- first 16 hex digits of SHA-256(algorithm, public key)
    owner text not null check (owner in ('server', 'firm')),
    organisation_id bigint references equipment.organisation,
    name text not null,
    algorithm text not null check (algorithm in ('ed25519', 'sm2')),
    public_key bytea not null,
    valid_from timestamptz not null,
    revoked_at timestamptz,                    -- signatures from then on count for nothing
    revoked_reason text,
    registered_by bigint,
    check ((owner = 'firm') = (organisation_id is not null)),
    check ((revoked_at is null) = (revoked_reason is null))
);
create index signing_key_by_organisation on equipment.signing_key (organisation_id);
create function equipment.key_only_revoked() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.revoked_at is null and new.revoked_at is not null
       and (new.id, new.owner, new.organisation_id, new.name, new.algorithm, new.public_key, new.valid_from)
           is not distinct from (old.id, old.owner, old.organisation_id, old.name, old.algorithm, old.public_key, old.valid_from) then
        return new;
    end if;
    raise exception 'a key is never changed or removed: revoke it, and register another'
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger signing_key_only_revoked before update or delete on equipment.signing_key
    for each row execute function equipment.key_only_revoked();

call equipment.protect('equipment.log_pending', 'false');
call equipment.protect('equipment.log_entry', 'equipment.scope_kind() is not null');
call equipment.protect('equipment.log_tile', 'equipment.scope_kind() is not null');
call equipment.protect('equipment.log_checkpoint', 'equipment.scope_kind() is not null');
call equipment.protect('equipment.signing_key',
    'owner = ''server'' or equipment.scope_kind() = ''jurisdiction'' or organisation_id = equipment.scope_organisation()',
    'select, insert, update (revoked_at, revoked_reason)');
create policy own_firm_keys on equipment.signing_key as restrictive for insert to teshe_scoped
    with check (owner = 'firm' and organisation_id = equipment.scope_organisation());
create policy own_firm_keys_revoked on equipment.signing_key as restrictive for update to teshe_scoped
    using (owner = 'firm' and organisation_id = equipment.scope_organisation());

-- What opens a commitment again: the salt. It lies beside the log and may be erased by law, with what it commits to.
create table equipment.log_opening (
    kind text not null,
    subject text not null,
    salt bytea check (length(salt) = 16),
    erased_at timestamptz,
    erased_reason text,
    primary key (kind, subject),
    check ((salt is null) = (erased_at is not null) and (erased_at is null) = (erased_reason is null))
);
create function equipment.opening_only_erased() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.salt is not null and new.salt is null and (new.kind, new.subject) = (old.kind, old.subject) then
        return new;
    end if;
    raise exception 'an opening is kept or erased by law, with a reason' using errcode = 'integrity_constraint_violation';
end $$;
create trigger log_opening_only_erased before update or delete on equipment.log_opening
    for each row execute function equipment.opening_only_erased();
call equipment.protect('equipment.log_opening', 'false');

-- Whoever writes something that must not change commits to it in the same transaction, once.
create function equipment.seal(kind text, subject text, salt bytea, digest bytea, at timestamptz) returns void
volatile security definer set search_path = pg_catalog, pg_temp language sql as $$
    insert into equipment.log_opening (kind, subject, salt) values (kind, subject, salt);
    insert into equipment.log_pending (kind, subject, commitment, at) values (kind, subject, sha256(salt || digest), at);
$$;
-- The salt of one thing, for a proof that leaves the house. Whoever may read the thing may have it; the caller checks that.
create function equipment.opening_of(wanted_kind text, wanted_subject text) returns bytea
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select salt from equipment.log_opening where kind = wanted_kind and subject = wanted_subject
$$;
revoke all on function equipment.seal(text, text, bytea, bytea, timestamptz), equipment.opening_of(text, text) from public;
grant execute on function equipment.seal(text, text, bytea, bytea, timestamptz), equipment.opening_of(text, text)
    to teshe_scoped, teshe_system;
