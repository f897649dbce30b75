-- The names of the desk's seats, for those who see the desk: accounts themselves are nobody else's to read.
create function alarms.seat_name(account bigint) returns text
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select a.display_name from equipment.account a
    where a.id = account and a.role = 'desk'
      and (not equipment.is_scoped()
           or equipment.scope_kind() = 'jurisdiction' and equipment.scope_role() in ('desk', 'regulator', 'inspector', 'auditor'))
$$;
revoke all on function alarms.seat_name(bigint) from public;
grant execute on function alarms.seat_name(bigint) to teshe_scoped, teshe_system;
