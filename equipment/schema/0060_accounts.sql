-- 账号管理: validity, one-time codes, who holds an account, own sessions. The web manages accounts only through the
-- definer functions below, which check the role again.
alter table equipment.account
    add column valid_until timestamptz,
    add column must_change boolean not null default false,
    add column one_time_until timestamptz,
    add column holder text check (holder = upper(btrim(holder)) and holder <> ''),
    add column disabled_at timestamptz,
    add column disabled_reason text;
grant select (valid_until, must_change, holder, disabled_at, disabled_reason, locked_until) on equipment.account to teshe_scoped;

-- 三员分立: whoever holds one of the three holds no other.
create unique index account_separated on equipment.account (holder)
    where active and role in ('system_admin', 'security_admin', 'auditor');

alter table equipment.login_session add column id bigint generated always as identity;
create unique index login_session_id on equipment.login_session (id);
grant select (id) on equipment.login_session to teshe_scoped;

create function equipment.account_open(wanted bigint, at timestamptz) returns boolean
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select active and (valid_until is null or valid_until > at) from equipment.account where id = wanted
$$;

drop function equipment.account_for_login(text);
create function equipment.account_for_login(wanted text, at timestamptz)
returns table (id bigint, password_hash text, failed_attempts integer, locked_until timestamptz)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    -- locked until the attempt is noted: guesses at one account stand in a queue, however many come at once
    select a.id, a.password_hash, a.failed_attempts, a.locked_until from equipment.account a
    where a.login = wanted and a.active and (a.valid_until is null or a.valid_until > at)
      and (a.one_time_until is null or a.one_time_until > at)
    for no key update
$$;

drop function equipment.session_asker(bytea, timestamptz);
create function equipment.session_asker(hash bytea, at timestamptz)
returns table (account_id bigint, login text, display_name text, role text, organisation_id bigint, scope_path text,
    csrf text, must_change boolean)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with seen as (
        -- to the minute: a write per request would buy nothing
        update equipment.login_session set last_seen_at = at
        where token_sha256 = hash and expires_at > at and last_seen_at < at - interval '1 minute'
    )
    select w.account_id, w.login, w.display_name, w.role, w.organisation_id, w.scope_path, s.csrf_token, a.must_change
    from equipment.login_session s join equipment.account a on a.id = s.account_id, lateral equipment.asker_of(s.account_id) w
    where s.token_sha256 = hash and s.expires_at > at and w.account_id is not null and equipment.account_open(s.account_id, at)
$$;

create or replace function equipment.token_asker(token_prefix text, hash bytea, at timestamptz)
returns table (account_id bigint, login text, display_name text, role text, organisation_id bigint, scope_path text, actions text[])
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select w.account_id, w.login, w.display_name, w.role, w.organisation_id, w.scope_path, t.actions
    from equipment.api_token t, lateral equipment.asker_of(t.account_id) w
    where t.prefix = token_prefix and t.secret_sha256 = hash and t.expires_at > at and t.revoked_at is null
      and w.account_id is not null and equipment.account_open(t.account_id, at)
$$;

-- One's own password; every session of the account ends, and the caller opens a fresh one. An administrator's account
-- says here whose it is, if it does not yet.
drop function equipment.set_own_password(text, bytea);
create function equipment.set_own_password(hash text, staff_number text) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with changed as (
        update equipment.account set password_hash = hash, must_change = false, one_time_until = null,
            holder = coalesce(holder, nullif(upper(btrim(staff_number)), ''))
        where id = equipment.scope_account()
          and (role not in ('system_admin', 'security_admin', 'auditor') or not must_change
               or coalesce(holder, nullif(btrim(staff_number), '')) is not null)
        returning id
    ), ended as (
        delete from equipment.login_session s using changed where s.account_id = changed.id
    )
    select exists (select 1 from changed)
$$;

create function equipment.end_own_session(session bigint) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with ended as (
        delete from equipment.login_session where id = session and account_id = equipment.scope_account() returning id
    )
    select exists (select 1 from ended)
$$;

-- The operator's own command: a login that is a member of the system role and has not put on the scoped one. Not
-- merely "not scoped": the web's login may drop its role, and is still no operator.
create function equipment.is_operator() returns boolean
stable set search_path = pg_catalog, pg_temp language sql as $$
    select pg_has_role(session_user, 'teshe_system', 'member') and current_setting('role') <> 'teshe_scoped'
$$;

create or replace function equipment.issue_token(token_prefix text, hash bytea, account bigint, label text, allowed text[],
    at timestamptz, until timestamptz) returns bigint
security definer set search_path = pg_catalog, pg_temp language sql as $$
    -- the web issues tokens for whoever asks, never for somebody else
    insert into equipment.api_token (prefix, secret_sha256, account_id, name, actions, created_at, expires_at)
    select token_prefix, hash, account, label, allowed, at, until
    where account = equipment.scope_account() or equipment.is_operator()
    returning id
$$;

-- Whether whoever asks manages accounts: the security administrator, or the operator's own command.
create function equipment.manages_accounts() returns boolean
stable set search_path = pg_catalog, pg_temp language sql as $$
    select equipment.is_operator() or coalesce(equipment.scope_role() = 'security_admin', false)
$$;

create function equipment.add_account(p_login text, p_name text, p_hash text, p_role text, p_organisation bigint,
    p_jurisdiction text, p_valid_until timestamptz, p_holder text, p_code_until timestamptz, p_at timestamptz) returns bigint
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare made bigint;
begin
    if not equipment.manages_accounts() then
        raise exception 'accounts are made by the security administrator' using errcode = 'insufficient_privilege';
    end if;
    if not equipment.is_operator() and p_jurisdiction is not null and not exists (
        select 1 from equipment.jurisdiction j where j.id = p_jurisdiction and starts_with(j.path, equipment.scope_path()))
    then
        raise exception 'outside of your jurisdiction' using errcode = 'insufficient_privilege';
    end if;
    insert into equipment.account (login, display_name, password_hash, role, organisation_id, jurisdiction_id, created_at,
        valid_until, holder, must_change, one_time_until)
    values (p_login, p_name, p_hash, p_role, p_organisation, p_jurisdiction, p_at, p_valid_until, p_holder, true, p_code_until)
    returning id into made;
    return made;
end $$;

-- A fresh one-time code: the old password, every session and every token of the account end.
create function equipment.reset_account(p_account bigint, p_hash text, p_code_until timestamptz, p_at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with changed as (
        update equipment.account set password_hash = p_hash, must_change = true, one_time_until = p_code_until,
            failed_attempts = 0, locked_until = null
        where id = p_account and active and equipment.manages_accounts() and id is distinct from equipment.scope_account()
        returning id
    ), ended as (
        delete from equipment.login_session s using changed where s.account_id = changed.id
    ), revoked as (
        update equipment.api_token t set revoked_at = p_at from changed where t.account_id = changed.id and t.revoked_at is null
    )
    select exists (select 1 from changed)
$$;

-- The last security administrator stays: without one nobody could make another.
create function equipment.disable_account(p_account bigint, p_reason text, p_at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare changed boolean;
begin
    perform 1 from equipment.account where role = 'security_admin' and active for update;
    with done as (
        update equipment.account a set active = false, disabled_at = p_at, disabled_reason = p_reason
        where a.id = p_account and a.active and equipment.manages_accounts()
          and a.id is distinct from equipment.scope_account()
          and (a.role <> 'security_admin' or exists (select 1 from equipment.account o
               where o.role = 'security_admin' and o.active and o.id <> a.id and (o.valid_until is null or o.valid_until > p_at)))
        returning id
    ), ended as (
        delete from equipment.login_session s using done where s.account_id = done.id
    ), revoked as (
        update equipment.api_token t set revoked_at = p_at from done where t.account_id = done.id and t.revoked_at is null
    )
    select exists (select 1 from done) into changed;
    return changed;
end $$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('account_for_login', 'session_asker', 'set_own_password',
            'end_own_session', 'manages_accounts', 'is_operator', 'add_account', 'reset_account', 'disable_account', 'account_open')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_scoped, teshe_system', signature);
    end loop;
end $$;
revoke all on function equipment.account_open(bigint, timestamptz) from teshe_scoped;
