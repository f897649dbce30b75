-- What anyone may read who scans the plate in the car (扫码公示): no person, no phone but the hotline, no position.
create function dashboards.public_unit(plate text)
returns table (name text, kind text, rescue_code text, place_name text, building text, entrance text, status text,
               use_unit text, firm text, last_maintenance timestamptz, last_level text, next_inspection date,
               insured boolean, open_incident boolean)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select u.name, u.kind, u.rescue_code, u.place_name, u.building, u.entrance, u.status, o.name, f.name, r.ended_at, r.level,
           (u.parameters ->> 'next_inspection')::date,
           case when u.insurance_valid_to is null then null else u.insurance_valid_to >= current_date end,
           exists (select 1 from alarms.incident i where i.unit_no = u.no and i.confirmed and i.freed_at is null
                   and i.state not in ('closed', 'cancelled', 'auto_cleared', 'merged'))
    from equipment.unit u
    left join equipment.organisation o on o.id = u.use_org_id
    left join equipment.organisation f on f.id = u.firm_org_id
    left join lateral (select ended_at, level from maintenance.record r where r.unit_no = u.no and r.state <> 'disputed'
                       order by r.ended_at desc limit 1) r on true
    where u.rescue_code = plate
$$;
revoke all on function dashboards.public_unit(text) from public;
grant execute on function dashboards.public_unit(text) to teshe_scoped, teshe_system;
