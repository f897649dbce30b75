-- 登录限速: wrong logins of one network address, whatever the account. ``paid_until`` runs ahead of the clock with each.
create table equipment.login_address (
    address text primary key check (length(address) between 1 and 100),
    paid_until timestamptz not null
);
create index login_address_by_end on equipment.login_address (paid_until);
call equipment.protect('equipment.login_address', 'false');

create function equipment.login_address_until(p_address text) returns timestamptz
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select paid_until from equipment.login_address where address = p_address
$$;

create function equipment.note_wrong_address(p_address text, p_cost interval, p_at timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    delete from equipment.login_address where paid_until <= p_at and address <> p_address;
    insert into equipment.login_address as a (address, paid_until) values (p_address, p_at + p_cost)
    on conflict (address) do update set paid_until = greatest(a.paid_until, p_at) + p_cost
$$;

-- 权限变化即换会话: a fresh name for the asker's own session; ``p_alone``: his other sessions end.
create function equipment.renew_session(p_old bytea, p_new bytea, p_alone boolean) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with renewed as (
        update equipment.login_session s set token_sha256 = p_new
        where s.token_sha256 = p_old and s.account_id = equipment.scope_account() returning s.id
    ), ended as (
        delete from equipment.login_session s using renewed
        where p_alone and s.account_id = equipment.scope_account() and s.id <> renewed.id
    )
    select exists (select 1 from renewed)
$$;

create function equipment.own_session_number(hash bytea) returns bigint
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select id from equipment.login_session where token_sha256 = hash and account_id = equipment.scope_account()
$$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('login_address_until', 'note_wrong_address', 'renew_session',
            'own_session_number')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_scoped, teshe_system', signature);
    end loop;
end $$;
