-- In which delegation one's own session acts; the page and the top of every page say so.
create function equipment.acting(hash bytea) returns bigint
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select s.assignment_id from equipment.login_session s
    where s.token_sha256 = hash and s.account_id = equipment.scope_account()
$$;
revoke all on function equipment.acting(bytea) from public;
grant execute on function equipment.acting(bytea) to teshe_scoped, teshe_system;
