-- 下载链接: one file handed to a telephone or another program. It ends with the session that made it.
create table equipment.download_link (
    id uuid primary key,
    session_id bigint not null references equipment.login_session (id) on delete cascade,
    account_id bigint not null references equipment.account,
    purpose text not null check (purpose in ('bundle', 'export', 'pdf', 'photo')),
    action text not null,
    address text not null check (length(address) <= 2000),
    made_at timestamptz not null,
    expires_at timestamptz not null,
    first_used_at timestamptz
);
create index download_link_by_session on equipment.download_link (session_id);
call equipment.protect('equipment.download_link', 'account_id = equipment.scope_account()');

-- For a session of whoever asks, and no more than a hundred at a time.
create function equipment.issue_download_link(p_id uuid, p_session bytea, p_purpose text, p_action text, p_address text,
    p_at timestamptz, p_until timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with over as (
        delete from equipment.download_link where account_id = equipment.scope_account() and expires_at <= p_at
    ), made as (
        insert into equipment.download_link (id, session_id, account_id, purpose, action, address, made_at, expires_at)
        select p_id, s.id, s.account_id, p_purpose, p_action, p_address, p_at, p_until from equipment.login_session s
        where s.token_sha256 = p_session and s.account_id = equipment.scope_account() and s.expires_at > p_at
          and (select count(*) from equipment.download_link d where d.session_id = s.id and d.expires_at > p_at) < 100
        returning 1
    )
    select exists (select 1 from made)
$$;

-- One tap: good for whoever opens it first, and for a short while after that, because telephones ask twice.
create function equipment.take_download_link(p_id uuid, p_grace interval, p_at timestamptz)
returns table (account_id bigint, login text, display_name text, role text, organisation_id bigint, scope_path text,
    purpose text, action text, address text, expires_at timestamptz)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with taken as (
        update equipment.download_link d set first_used_at = coalesce(d.first_used_at, p_at)
        from equipment.login_session s
        where d.id = p_id and d.expires_at > p_at and (d.first_used_at is null or p_at < d.first_used_at + p_grace)
          and s.id = d.session_id and s.expires_at > p_at and equipment.account_open(d.account_id, p_at)
        returning d.account_id, d.purpose, d.action, d.address, d.expires_at, s.assignment_id
    )
    select w.account_id, w.login, w.display_name, w.role, w.organisation_id,
           equipment.path_at(t.account_id, t.assignment_id, p_at), t.purpose, t.action, t.address, t.expires_at
    from taken t, lateral equipment.asker_of(t.account_id) w where w.account_id is not null
$$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('issue_download_link', 'take_download_link')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_scoped, teshe_system', signature);
    end loop;
end $$;
