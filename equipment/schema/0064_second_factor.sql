-- 动态口令 (RFC 6238) and recovery codes. The shared secret is sealed with a key that the database does not have.
create table equipment.second_factor (
    account_id bigint primary key references equipment.account,
    sealed bytea not null,
    offered_at timestamptz not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0     -- a code is good once
);
create table equipment.recovery_code (
    account_id bigint not null references equipment.account,
    code_sha256 bytea not null,
    used_at timestamptz,
    primary key (account_id, code_sha256)
);
call equipment.protect('equipment.second_factor', 'account_id = equipment.scope_account()', 'select (account_id, confirmed_at)');
call equipment.protect('equipment.recovery_code', 'account_id = equipment.scope_account()', 'select (account_id, used_at)');

-- Before there is a session: the caller knows the password already.
create function equipment.factor_of(account bigint)
returns table (sealed bytea, confirmed boolean, last_step bigint)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select f.sealed, f.confirmed_at is not null, f.last_step from equipment.second_factor f where f.account_id = account
$$;

create function equipment.use_step(account bigint, step bigint) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with used as (
        update equipment.second_factor f set last_step = step
        where f.account_id = account and f.confirmed_at is not null and f.last_step < step returning 1
    )
    select exists (select 1 from used)
$$;

create function equipment.use_recovery(account bigint, hash bytea, at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with used as (
        update equipment.recovery_code c set used_at = at
        where c.account_id = account and c.code_sha256 = hash and c.used_at is null returning 1
    )
    select exists (select 1 from used)
$$;

-- One's own, and only while none is confirmed: whoever lost the telephone is reset by the security administrator.
create function equipment.offer_factor(sealed_secret bytea, at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with offered as (
        insert into equipment.second_factor as f (account_id, sealed, offered_at)
        select a.id, sealed_secret, at from equipment.account a where a.id = equipment.scope_account()
        on conflict (account_id) do update set sealed = excluded.sealed, offered_at = at where f.confirmed_at is null
        returning 1
    )
    select exists (select 1 from offered)
$$;

create function equipment.confirm_factor(step bigint, hashes bytea[], at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with confirmed as (
        update equipment.second_factor f set confirmed_at = at, last_step = step
        where f.account_id = equipment.scope_account() and f.confirmed_at is null returning f.account_id
    ), codes as (
        insert into equipment.recovery_code (account_id, code_sha256) select account_id, unnest(hashes) from confirmed
    )
    select exists (select 1 from confirmed)
$$;

create function equipment.drop_factor(account bigint) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with allowed as (
        select account as id where equipment.manages_accounts() and account is distinct from equipment.scope_account()
    ), codes as (
        delete from equipment.recovery_code c using allowed where c.account_id = allowed.id
    )
    delete from equipment.second_factor f using allowed where f.account_id = allowed.id
$$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('factor_of', 'use_step', 'use_recovery', 'offer_factor',
            'confirm_factor', 'drop_factor')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_scoped, teshe_system', signature);
    end loop;
end $$;
