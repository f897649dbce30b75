-- 闲置退出: an administrator's or auditor's session that nobody used for half an hour is over. A seat of the desk and a
-- worker in a shaft keep theirs: being signed out in the middle of a rescue would do more harm.
create or replace function equipment.session_asker(hash bytea, at timestamptz)
returns table (account_id bigint, login text, display_name text, role text, organisation_id bigint, scope_path text,
    csrf text, must_change boolean)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with open_one as (
        select s.account_id, s.assignment_id, s.csrf_token, s.last_seen_at, a.must_change
        from equipment.login_session s join equipment.account a on a.id = s.account_id
        where s.token_sha256 = hash and s.expires_at > at and equipment.account_open(s.account_id, at)
          and (a.role not in ('system_admin', 'security_admin', 'auditor') or s.last_seen_at > at - interval '30 minutes')
    ), seen as (
        -- to the minute: a write per request would buy nothing
        update equipment.login_session s set last_seen_at = at from open_one o
        where s.token_sha256 = hash and o.last_seen_at < at - interval '1 minute'
    )
    select w.account_id, w.login, w.display_name, w.role, w.organisation_id,
           equipment.path_at(o.account_id, o.assignment_id, at), o.csrf_token, o.must_change
    from open_one o, lateral equipment.asker_of(o.account_id) w where w.account_id is not null
$$;
