-- 统一身份: which account a subject of the city's identity provider opens. It opens what is there and gives no right.
create table equipment.account_subject (
    issuer text not null check (length(issuer) between 1 and 500),
    subject text not null check (length(subject) between 1 and 255),
    account_id bigint not null references equipment.account,
    linked_at timestamptz not null,
    primary key (issuer, subject),
    unique (account_id, issuer)
);
call equipment.protect('equipment.account_subject',
    'account_id = equipment.scope_account() or equipment.scope_role() in (''security_admin'', ''auditor'')');

-- Sign-ins on their way through the provider. ``account_id``: not a login, but that account being linked.
create table equipment.sign_in_attempt (
    state_sha256 bytea primary key,
    browser_sha256 bytea not null,
    nonce text not null,
    verifier text not null,
    back text not null,
    account_id bigint references equipment.account,
    expires_at timestamptz not null
);
create index sign_in_attempt_by_end on equipment.sign_in_attempt (expires_at);
call equipment.protect('equipment.sign_in_attempt', 'false');

create function equipment.begin_sign_in(p_state bytea, p_browser bytea, p_nonce text, p_verifier text, p_back text,
    p_link boolean, p_at timestamptz, p_until timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    delete from equipment.sign_in_attempt where expires_at <= p_at;
    insert into equipment.sign_in_attempt (state_sha256, browser_sha256, nonce, verifier, back, account_id, expires_at)
    values (p_state, p_browser, p_nonce, p_verifier, p_back, case when p_link then equipment.scope_account() end, p_until)
$$;

-- Once, and only by the browser that began.
create function equipment.take_sign_in(p_state bytea, p_browser bytea, p_at timestamptz)
returns table (nonce text, verifier text, back text, account_id bigint)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    delete from equipment.sign_in_attempt s
    where s.state_sha256 = p_state and s.browser_sha256 = p_browser and s.expires_at > p_at
    returning s.nonce, s.verifier, s.back, s.account_id
$$;

create function equipment.account_of_subject(p_issuer text, p_subject text, p_at timestamptz)
returns table (account_id bigint, role text, has_factor boolean)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select a.id, a.role, exists (select 1 from equipment.second_factor f where f.account_id = a.id and f.confirmed_at is not null)
    from equipment.account_subject s join equipment.account a on a.id = s.account_id
    where s.issuer = p_issuer and s.subject = p_subject and equipment.account_open(a.id, p_at)
$$;

-- One's own account, or by the operator's command; a subject that opens another account stays with it.
create function equipment.link_subject(p_account bigint, p_issuer text, p_subject text, p_at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with linked as (
        insert into equipment.account_subject (issuer, subject, account_id, linked_at)
        select p_issuer, p_subject, a.id, p_at from equipment.account a
        where a.id = p_account and a.active and (a.id = equipment.scope_account() or equipment.is_operator())
        on conflict do nothing returning 1
    )
    select exists (select 1 from linked)
$$;

create function equipment.unlink_subjects(p_account bigint) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with gone as (
        delete from equipment.account_subject s
        where s.account_id = p_account and (s.account_id = equipment.scope_account() or equipment.manages_accounts())
        returning 1
    )
    select exists (select 1 from gone)
$$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('begin_sign_in', 'take_sign_in', 'account_of_subject',
            'link_subject', 'unlink_subjects')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_scoped, teshe_system', signature);
    end loop;
end $$;
