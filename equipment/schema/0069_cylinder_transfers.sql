-- 过户: an owner offers cylinders to another station, which takes them over or refuses. Whose a cylinder is decides who may fill it.
create table equipment.cylinder_transfer (
    id bigint generated always as identity primary key,
    from_station bigint not null references equipment.filling_station,
    to_station bigint not null references equipment.filling_station,
    state text not null default 'offered' check (state in ('offered', 'accepted', 'refused', 'withdrawn')),
    reason text not null check (reason <> ''),
    offered_at timestamptz not null,
    offered_by bigint,
    decided_at timestamptz,
    decided_by bigint,
    answer text not null default '',
    check (from_station <> to_station),
    check ((state = 'offered') = (decided_at is null))
);
create index cylinder_transfer_from on equipment.cylinder_transfer (from_station, id);
create index cylinder_transfer_to on equipment.cylinder_transfer (to_station, id);
create table equipment.cylinder_transfer_item (
    transfer_id bigint not null references equipment.cylinder_transfer,
    cylinder_no integer not null references equipment.cylinder,
    code text not null,
    outcome text not null default 'offered' check (outcome in ('offered', 'moved', 'stayed')),
    reasons text[] not null default '{}',          -- why it stayed
    primary key (transfer_id, cylinder_no)
);
create unique index cylinder_transfer_open on equipment.cylinder_transfer_item (cylinder_no) where outcome = 'offered';

call equipment.protect('equipment.cylinder_transfer', $$from_station = any ((select equipment.stations_in_scope())::bigint[])
    or to_station = any ((select equipment.stations_in_scope())::bigint[])$$, 'select, insert, update (state, decided_at, decided_by, answer)');
call equipment.protect('equipment.cylinder_transfer_item',
    'exists (select 1 from equipment.cylinder_transfer t where t.id = transfer_id)', 'select, insert, update (outcome, reasons)');
create policy owners_offer on equipment.cylinder_transfer as restrictive for insert to teshe_scoped with check (
    from_station = equipment.scope_organisation() and equipment.scope_role() = 'use_unit_director' and state = 'offered');
create policy owners_items on equipment.cylinder_transfer_item as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() = 'use_unit_director' and exists (select 1 from equipment.cylinder c where c.no = cylinder_no));
create policy parties_decide on equipment.cylinder_transfer as restrictive for update to teshe_scoped using (
    state = 'offered' and equipment.scope_role() = 'use_unit_director'
    and equipment.scope_organisation() in (from_station, to_station)) with check (state <> 'offered');
create policy parties_items on equipment.cylinder_transfer_item as restrictive for update to teshe_scoped using (
    outcome = 'offered' and equipment.scope_role() = 'use_unit_director') with check (outcome <> 'offered');

-- To whom cylinders can go: the names of all stations, and what each may fill on a day. Both are public.
create function equipment.station_directory(day date) returns table (id bigint, name text, media text[])
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select s.organisation_id, o.name, coalesce((
        select array_agg(distinct m.medium order by m.medium) from equipment.filling_licence l, unnest(l.media) as m(medium)
        where l.station_id = s.organisation_id and day between l.valid_from and l.valid_to
          and (l.revoked_on is null or l.revoked_on > day)), '{}')
    from equipment.filling_station s join equipment.organisation o on o.id = s.organisation_id
    order by o.name
$$;

-- The cylinders of an offer go over to the receiving station, as far as they still stand there empty. Only it may call this.
create function equipment.take_cylinders(transfer bigint, cylinders integer[], at timestamptz) returns integer[]
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    t equipment.cylinder_transfer;
    moved integer[];
begin
    select * into t from equipment.cylinder_transfer x where x.id = transfer and x.state = 'offered' for update;
    if not found then return '{}'; end if;
    if equipment.is_scoped() and not (
        coalesce(equipment.scope_role(), '') = 'use_unit_director' and equipment.scope_kind() = 'use_unit'
        and t.to_station = equipment.scope_organisation()) then
        raise exception 'only the receiving station takes cylinders over' using errcode = 'insufficient_privilege';
    end if;
    with gone as (
        update equipment.cylinder c set station_id = t.to_station, changed_at = at
        where c.no = any (cylinders) and c.station_id = t.from_station and c.state = 'empty'
          and exists (select 1 from equipment.cylinder_transfer_item i where i.transfer_id = transfer and i.cylinder_no = c.no)
        returning c.no
    )
    select coalesce(array_agg(no), '{}') into moved from gone;
    return moved;
end $$;
revoke all on function equipment.station_directory(date), equipment.take_cylinders(bigint, integer[], timestamptz) from public;
grant execute on function equipment.station_directory(date), equipment.take_cylinders(bigint, integer[], timestamptz)
    to teshe_scoped, teshe_system;

-- 更正: what a station registered wrongly. What decides whether and how much it may be filled with is the authority's to correct.
grant update (code, maker_code, serial, make_date, variety_code, medium, volume_l, nominal_pressure_mpa, tare_kg, max_fill_kg,
    certificate_no) on equipment.cylinder to teshe_scoped;
create function equipment.only_the_authority_corrects() returns trigger language plpgsql as $$
begin
    if equipment.is_scoped() and coalesce(equipment.scope_role(), '') <> 'inspector' then
        raise exception 'the authority corrects this' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger cylinder_limits before update of maker_code, serial, make_date, variety_code, medium, tare_kg, max_fill_kg
    on equipment.cylinder for each row execute function equipment.only_the_authority_corrects();

-- 追溯覆盖 asks for the few fills whose trace is not whole, in two years of fills.
create index cylinder_fill_untraced on equipment.cylinder_fill (filled_at, cylinder_no) where not traced;
