-- 任职与代理: in which jurisdiction an account acts, and from when until when. A dated assignment takes the place of the
-- account's own jurisdiction for its time; a delegation (代理) is taken up by its holder for a session, and ends by itself.
create table equipment.assignment (
    id bigint generated always as identity primary key,
    account_id bigint not null references equipment.account,
    jurisdiction_id text not null references equipment.jurisdiction,
    kind text not null check (kind in ('assignment', 'delegation')),
    since timestamptz not null,
    until timestamptz,
    reason text not null check (btrim(reason) <> ''),
    granted_at timestamptz not null,
    granted_by bigint,
    ended_at timestamptz,
    check (until is null or until > since),
    check (kind <> 'delegation' or until is not null)
);
create index assignment_by_account on equipment.assignment (account_id, since desc);
call equipment.protect('equipment.assignment', 'account_id = equipment.scope_account() or equipment.scope_role() in (''security_admin'', ''auditor'')');

alter table equipment.login_session add column assignment_id bigint references equipment.assignment;

create function equipment.assignment_holds(a equipment.assignment, at timestamptz) returns boolean
immutable set search_path = pg_catalog, pg_temp language sql as $$
    select a.since <= at and (a.until is null or a.until > at) and (a.ended_at is null or a.ended_at > at)
$$;

-- The path that bounds an account at a moment: the delegation taken up, else the newest assignment, else its own.
create function equipment.path_at(account bigint, taken_up bigint, at timestamptz) returns text
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select coalesce(
        (select j.path from equipment.assignment d join equipment.jurisdiction j on j.id = d.jurisdiction_id
         where d.id = taken_up and d.account_id = account and d.kind = 'delegation' and equipment.assignment_holds(d, at)),
        (select j.path from equipment.assignment d join equipment.jurisdiction j on j.id = d.jurisdiction_id
         where d.account_id = account and d.kind = 'assignment' and equipment.assignment_holds(d, at)
         order by d.since desc, d.id desc limit 1),
        (select j.path from equipment.account a join equipment.jurisdiction j on j.id = a.jurisdiction_id where a.id = account))
$$;

create or replace function equipment.session_asker(hash bytea, at timestamptz)
returns table (account_id bigint, login text, display_name text, role text, organisation_id bigint, scope_path text,
    csrf text, must_change boolean)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with seen as (
        -- to the minute: a write per request would buy nothing
        update equipment.login_session set last_seen_at = at
        where token_sha256 = hash and expires_at > at and last_seen_at < at - interval '1 minute'
    )
    select w.account_id, w.login, w.display_name, w.role, w.organisation_id,
           equipment.path_at(s.account_id, s.assignment_id, at), s.csrf_token, a.must_change
    from equipment.login_session s join equipment.account a on a.id = s.account_id, lateral equipment.asker_of(s.account_id) w
    where s.token_sha256 = hash and s.expires_at > at and w.account_id is not null and equipment.account_open(s.account_id, at)
$$;

create or replace function equipment.token_asker(token_prefix text, hash bytea, at timestamptz)
returns table (account_id bigint, login text, display_name text, role text, organisation_id bigint, scope_path text, actions text[])
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select w.account_id, w.login, w.display_name, w.role, w.organisation_id, equipment.path_at(t.account_id, null, at), t.actions
    from equipment.api_token t, lateral equipment.asker_of(t.account_id) w
    where t.prefix = token_prefix and t.secret_sha256 = hash and t.expires_at > at and t.revoked_at is null
      and w.account_id is not null and equipment.account_open(t.account_id, at)
$$;

-- By whoever manages accounts, inside his own area, for accounts that a jurisdiction bounds, and never for himself.
create function equipment.grant_assignment(p_account bigint, p_jurisdiction text, p_kind text, p_since timestamptz,
    p_until timestamptz, p_reason text, p_at timestamptz) returns bigint
security definer set search_path = pg_catalog, pg_temp language sql as $$
    insert into equipment.assignment (account_id, jurisdiction_id, kind, since, until, reason, granted_at, granted_by)
    select a.id, j.id, p_kind, p_since, p_until, p_reason, p_at, equipment.scope_account()
    from equipment.account a, equipment.jurisdiction j
    where a.id = p_account and a.active and a.jurisdiction_id is not null and j.id = p_jurisdiction
      and equipment.manages_accounts() and a.id is distinct from equipment.scope_account()
      and (equipment.is_operator() or starts_with(j.path, equipment.scope_path()))
    returning id
$$;

create function equipment.end_assignment(p_assignment bigint, p_at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with ended as (
        update equipment.assignment d set ended_at = p_at
        where d.id = p_assignment and d.ended_at is null and (d.until is null or d.until > p_at)
          and equipment.manages_accounts() and d.account_id is distinct from equipment.scope_account()
        returning 1
    )
    select exists (select 1 from ended)
$$;

-- One's own session acts in a delegated area; null: back to one's own.
create function equipment.take_up(hash bytea, p_assignment bigint, at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with changed as (
        update equipment.login_session s set assignment_id = p_assignment
        where s.token_sha256 = hash and s.account_id = equipment.scope_account()
          and (p_assignment is null or exists (select 1 from equipment.assignment d where d.id = p_assignment
               and d.account_id = s.account_id and d.kind = 'delegation' and equipment.assignment_holds(d, at)))
        returning 1
    )
    select exists (select 1 from changed)
$$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('path_at', 'grant_assignment', 'end_assignment', 'take_up')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_scoped, teshe_system', signature);
    end loop;
end $$;
revoke all on function equipment.path_at(bigint, bigint, timestamptz) from teshe_scoped;
