-- 维保合同: which firm keeps which lift from when to when, and 维保变更: how a lift goes from one firm to another.
create table equipment.contract (
    id bigint generated always as identity primary key,
    number text not null,
    firm_org_id bigint not null references equipment.organisation,
    use_org_id bigint not null references equipment.organisation,
    signed_on date not null,
    mode text not null default 'traditional' check (mode in ('traditional', 'on_demand')),
    recorded_at timestamptz not null,
    account_id bigint,
    unique (firm_org_id, number)
);
create table equipment.contract_unit (
    contract_id bigint not null references equipment.contract,
    unit_no integer not null references equipment.unit,
    valid daterange not null check (not isempty(valid) and not lower_inf(valid) and not upper_inf(valid)),
    firm_org_id bigint not null references equipment.organisation,
    use_org_id bigint not null references equipment.organisation,
    primary key (contract_id, unit_no, valid),
    constraint contract_unit_overlap exclude using gist (unit_no with =, valid with &&)
);
create table equipment.firm_change (
    id bigint generated always as identity primary key,
    unit_no integer not null references equipment.unit,
    unit_id text not null,
    unit_name text not null,
    new_firm_org_id bigint not null references equipment.organisation,
    old_firm_org_id bigint references equipment.organisation,
    use_org_id bigint not null references equipment.organisation,
    state text not null check (state in ('claimed', 'confirmed', 'objected', 'cleared', 'taken_over', 'refused', 'rejected', 'withdrawn')),
    claimed_at timestamptz not null,
    object_by timestamptz,
    closed_at timestamptz,
    version integer not null default 1
);
create unique index firm_change_open on equipment.firm_change (unit_no)
    where state in ('claimed', 'confirmed', 'objected', 'cleared');
create index firm_change_clock on equipment.firm_change (object_by) where state = 'confirmed';
create table equipment.firm_change_event (
    id bigint generated always as identity primary key,
    change_id bigint not null references equipment.firm_change,
    event text not null,
    from_state text,
    to_state text not null,
    at timestamptz not null,
    account_id bigint,
    reason text not null default ''
);
create trigger firm_change_event_append_only before update or delete or truncate on equipment.firm_change_event
    for each statement execute function equipment.refuse_change();

call equipment.protect('equipment.contract', $$firm_org_id = equipment.scope_organisation() or use_org_id = equipment.scope_organisation()
    or (equipment.scope_kind() = 'jurisdiction' and equipment.scope_path() is not null)$$, 'select, insert');
call equipment.protect('equipment.contract_unit', $$firm_org_id = equipment.scope_organisation() or use_org_id = equipment.scope_organisation()
    or (equipment.scope_kind() = 'jurisdiction' and exists (select 1 from equipment.unit u where u.no = unit_no))$$, 'select, insert');
create policy signers on equipment.contract as restrictive for insert to teshe_scoped with check (
    account_id = equipment.scope_account()
    and equipment.scope_role() in ('inspector', 'regulator', 'firm_manager', 'use_unit_director'));
call equipment.protect('equipment.firm_change', $$
    equipment.scope_organisation() in (new_firm_org_id, old_firm_org_id, use_org_id)
    or (equipment.scope_kind() = 'jurisdiction' and exists (select 1 from equipment.unit u where u.no = unit_no))$$,
    'select, insert, update (state, object_by, closed_at, version)');
call equipment.protect('equipment.firm_change_event',
    'exists (select 1 from equipment.firm_change c where c.id = change_id)', 'select, insert');
create policy claimants on equipment.firm_change as restrictive for insert to teshe_scoped
    with check (new_firm_org_id = equipment.scope_organisation() and state = 'claimed');
-- the take-over itself goes through the function below
create policy not_past_the_take_over on equipment.firm_change as restrictive for update to teshe_scoped
    using (true) with check (state <> 'taken_over');

-- A firm that does not have the lift yet proves that it stood before it: both codes of the plate.
create function equipment.unit_for_claim(wanted_device_code text, plate text)
returns table (no integer, id text, name text, firm_org_id bigint, use_org_id bigint)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select u.no, u.id, u.name, u.firm_org_id, u.use_org_id from equipment.unit u
    where u.device_code = wanted_device_code and u.rescue_code = plate
$$;

-- From this day the new firm answers for the lift, the rescue included.
create function equipment.take_over(change bigint, at timestamptz, why text) returns boolean
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare c equipment.firm_change;
begin
    select * into c from equipment.firm_change f where f.id = change and f.state = 'cleared' for update;
    if not found then return false; end if;
    if current_setting('role') = 'teshe_scoped' and not (
        equipment.scope_role() = 'firm_manager' and c.new_firm_org_id = equipment.scope_organisation()) then
        raise exception 'only the new firm takes over' using errcode = 'insufficient_privilege';
    end if;
    update equipment.firm_change set state = 'taken_over', closed_at = at, version = version + 1 where id = change;
    perform equipment.write_period('firm', c.unit_no, c.new_firm_org_id::text, daterange(equipment.shanghai_day(at), null), at, why);
    perform equipment.rebuild_segments(array[c.unit_no]);
    perform equipment.project(array[c.unit_no], at);
    return true;
end $$;
revoke all on function equipment.unit_for_claim(text, text), equipment.take_over(bigint, timestamptz, text) from public;
grant execute on function equipment.unit_for_claim(text, text), equipment.take_over(bigint, timestamptz, text)
    to teshe_scoped, teshe_system;
