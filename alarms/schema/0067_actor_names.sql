-- Who did it: the desk's side reads the names of those who act on incidents, and an organisation those of its own people.
-- Accounts themselves stay nobody else's to read.
create function alarms.actor_name(account bigint) returns text
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select a.display_name from equipment.account a
    where a.id = account
      and (not equipment.is_scoped() or a.id = equipment.scope_account()
           or equipment.scope_kind() = 'jurisdiction' and equipment.scope_role() in ('desk', 'regulator', 'inspector', 'auditor')
              and a.role in ('desk', 'regulator', 'inspector', 'firm_manager', 'firm_worker', 'use_unit_director', 'use_unit_officer')
           or equipment.scope_organisation() is not null and a.organisation_id = equipment.scope_organisation())
$$;
revoke all on function alarms.actor_name(bigint) from public;
grant execute on function alarms.actor_name(bigint) to teshe_scoped, teshe_system;
