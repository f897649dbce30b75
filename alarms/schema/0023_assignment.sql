-- 指派: to an account or an organisation; assigned_to keeps its name by value.
alter table alarms.alarm
    add column assigned_account bigint,
    add column assigned_organisation bigint,
    add constraint alarm_assigned_once check (assigned_account is null or assigned_organisation is null);

-- Who may be charged with an alarm of a unit, as the asker may see it: the unit's firm and use-unit, the asker's own people,
-- and for the authority also the people of the desk and of the authority whose area the unit lies in.
create function alarms.assignable(unit integer) returns table (kind text, id bigint, name text, role text)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    with seen as (
        select u.no, u.jurisdiction_path, u.firm_org_id, u.use_org_id from equipment.unit u
        where u.no = unit and (
            (equipment.scope_kind() = 'jurisdiction' and starts_with(u.jurisdiction_path, equipment.scope_path()))
            or equipment.scope_organisation() in (u.firm_org_id, u.use_org_id))
    )
    select 'organisation', o.id, o.name, case when o.id = s.firm_org_id then 'firm' else 'use_unit' end
    from seen s join equipment.organisation o on o.id in (s.firm_org_id, s.use_org_id)
    union all
    select 'account', a.id, a.display_name, a.role
    from seen s join equipment.account a on a.active and a.role not in ('security_admin', 'auditor', 'system_admin')
    left join equipment.jurisdiction j on j.id = a.jurisdiction_id
    where (equipment.scope_kind() = 'jurisdiction' and j.path is not null and starts_with(s.jurisdiction_path, j.path))
       or (a.organisation_id is not null and a.organisation_id = equipment.scope_organisation())
    order by 1 desc, 4, 3
$$;
revoke all on function alarms.assignable(integer) from public;
grant execute on function alarms.assignable(integer) to teshe_scoped, teshe_system;

-- Who acted in a row of history that the asker may see.
create function alarms.actor(account bigint) returns text
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select a.display_name from equipment.account a where a.id = account
$$;
revoke all on function alarms.actor(bigint) from public;
grant execute on function alarms.actor(bigint) to teshe_scoped, teshe_system;
