-- 维保合同 that end early, are prolonged, gain or lose lifts: what held before stays, marked with what replaced it.
alter table equipment.contract add column changed_at timestamptz not null default '1970-01-01Z';
alter table equipment.contract_unit drop constraint contract_unit_pkey, drop constraint contract_unit_overlap;
alter table equipment.contract_unit
    add column id bigint generated always as identity primary key,
    add column superseded_at timestamptz,
    add constraint contract_unit_overlap exclude using gist (unit_no with =, valid with &&) where (superseded_at is null);
create index contract_unit_by_contract on equipment.contract_unit (contract_id);
create trigger contract_unit_kept before update or delete on equipment.contract_unit for each row
    execute function equipment.only_superseded();

create table equipment.contract_event (
    id bigint generated always as identity primary key,
    contract_id bigint not null references equipment.contract,
    event text not null check (event in ('end', 'extend', 'add_units', 'remove_units')),
    day date not null,                 -- from which the change holds; of an extension: the new first day without contract
    units text[] not null,             -- ids, by value
    reason text not null check (reason <> ''),
    at timestamptz not null,
    account_id bigint
);
create index contract_event_by_contract on equipment.contract_event (contract_id, id);
create trigger contract_event_append_only before update or delete or truncate on equipment.contract_event
    for each statement execute function equipment.refuse_change();
call equipment.protect('equipment.contract_event', 'exists (select 1 from equipment.contract c where c.id = contract_id)', 'select, insert');

grant update (changed_at) on equipment.contract to teshe_scoped;
grant update (superseded_at) on equipment.contract_unit to teshe_scoped;
do $$
declare name text;
begin
    foreach name in array array['contract', 'contract_unit'] loop
        execute format('create policy signers_update on equipment.%I as restrictive for update to teshe_scoped
            using (equipment.scope_role() in (''inspector'', ''regulator'', ''firm_manager'', ''use_unit_director''))', name);
    end loop;
    foreach name in array array['contract_unit', 'contract_event'] loop
        execute format('create policy signers_insert on equipment.%I as restrictive for insert to teshe_scoped
            with check (equipment.scope_role() in (''inspector'', ''regulator'', ''firm_manager'', ''use_unit_director''))', name);
    end loop;
end $$;

-- 维保变更: whoever is a party to it, or supervises the lift, reads the names of the parties, and nothing else of them.
create function equipment.firm_change_names(change bigint) returns table (new_firm text, old_firm text, use_unit text)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select (select o.name from equipment.organisation o where o.id = c.new_firm_org_id),
           (select o.name from equipment.organisation o where o.id = c.old_firm_org_id),
           (select o.name from equipment.organisation o where o.id = c.use_org_id)
    from equipment.firm_change c
    where c.id = change and (not equipment.is_scoped()
        or equipment.scope_organisation() in (c.new_firm_org_id, c.old_firm_org_id, c.use_org_id)
        or (equipment.scope_kind() = 'jurisdiction' and exists (
            select 1 from equipment.unit u where u.no = c.unit_no and starts_with(u.jurisdiction_path, equipment.scope_path()))))
$$;
revoke all on function equipment.firm_change_names(bigint) from public;
grant execute on function equipment.firm_change_names(bigint) to teshe_scoped, teshe_system;
