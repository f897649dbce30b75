-- Credentials leave their tables only through these. The caller proves what it knows (a hash of a secret);
-- none of them lists anything.
create function equipment.account_for_login(wanted text)
returns table (id bigint, password_hash text, failed_attempts integer, locked_until timestamptz)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    -- locked until the attempt is noted: guesses at one account stand in a queue, however many come at once
    select id, password_hash, failed_attempts, locked_until from equipment.account where login = wanted and active
    for no key update
$$;

create function equipment.note_login(wanted bigint, success boolean, until timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    update equipment.account
    set failed_attempts = case when success then 0 else failed_attempts + 1 end,
        locked_until = case when success then null else until end
    where id = wanted
$$;

create function equipment.open_session(hash bytea, account bigint, csrf text, at timestamptz, until timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    insert into equipment.login_session (token_sha256, account_id, csrf_token, created_at, last_seen_at, expires_at)
    values (hash, account, csrf, at, at, until)
$$;

create function equipment.close_session(hash bytea) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    delete from equipment.login_session where token_sha256 = hash
$$;

-- One's own password only; every other session of the account ends.
create function equipment.set_own_password(hash text, keep_session bytea) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with changed as (
        update equipment.account set password_hash = hash where id = equipment.scope_account() returning id
    ), ended as (
        delete from equipment.login_session s using changed where s.account_id = changed.id
            and s.token_sha256 is distinct from keep_session
    )
    select exists (select 1 from changed)
$$;

create type equipment.asker as (account_id bigint, login text, display_name text, role text,
    organisation_id bigint, scope_path text);

create function equipment.asker_of(account bigint) returns equipment.asker
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select a.id, a.login, a.display_name, a.role, a.organisation_id, j.path
    from equipment.account a left join equipment.jurisdiction j on j.id = a.jurisdiction_id
    where a.id = account and a.active
$$;
revoke all on function equipment.asker_of(bigint) from public;

create function equipment.session_asker(hash bytea, at timestamptz)
returns table (account_id bigint, login text, display_name text, role text, organisation_id bigint, scope_path text, csrf text)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with seen as (
        -- to the minute: a write per request would buy nothing
        update equipment.login_session set last_seen_at = at
        where token_sha256 = hash and expires_at > at and last_seen_at < at - interval '1 minute'
    )
    select w.account_id, w.login, w.display_name, w.role, w.organisation_id, w.scope_path, s.csrf_token
    from equipment.login_session s, lateral equipment.asker_of(s.account_id) w
    where s.token_sha256 = hash and s.expires_at > at and w.account_id is not null
$$;

create function equipment.issue_token(token_prefix text, hash bytea, account bigint, label text, allowed text[],
    at timestamptz, until timestamptz) returns bigint
security definer set search_path = pg_catalog, pg_temp language sql as $$
    -- the web issues tokens for whoever asks, never for somebody else
    insert into equipment.api_token (prefix, secret_sha256, account_id, name, actions, created_at, expires_at)
    select token_prefix, hash, account, label, allowed, at, until
    where account = equipment.scope_account() or current_setting('role') <> 'teshe_scoped'
    returning id
$$;

create function equipment.token_asker(token_prefix text, hash bytea, at timestamptz)
returns table (account_id bigint, login text, display_name text, role text, organisation_id bigint, scope_path text, actions text[])
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select w.account_id, w.login, w.display_name, w.role, w.organisation_id, w.scope_path, t.actions
    from equipment.api_token t, lateral equipment.asker_of(t.account_id) w
    where t.prefix = token_prefix and t.secret_sha256 = hash and t.expires_at > at and t.revoked_at is null
      and w.account_id is not null
$$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('account_for_login', 'note_login', 'open_session', 'close_session',
            'session_asker', 'issue_token', 'token_asker',
            'set_own_password')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_scoped, teshe_system', signature);
    end loop;
end $$;
