-- 事故登记, append-only: a correction is a new row that names the one it replaces.
create table equipment.accident (
    id bigint generated always as identity primary key,
    number text not null,
    corrects bigint unique references equipment.accident,
    unit_no integer references equipment.unit,
    kind text not null,
    jurisdiction_id text not null references equipment.jurisdiction,
    occurred_at timestamptz not null,
    reported_at timestamptz not null,
    level text not null check (level in ('general', 'larger', 'major', 'extraordinary')),
    deaths integer not null default 0 check (deaths >= 0),
    serious_injuries integer not null default 0 check (serious_injuries >= 0),
    trapped_minutes integer check (trapped_minutes >= 0),
    loss_yuan numeric(14, 2) check (loss_yuan >= 0),
    counted boolean not null default true,
    not_counted_reason text,
    narrative text not null default '',
    recorded_by bigint,
    recorded_at timestamptz not null,
    check (counted or not_counted_reason is not null)
);
create trigger accident_append_only before update or delete or truncate on equipment.accident
    for each statement execute function equipment.refuse_change();
create unique index accident_number on equipment.accident (number) where corrects is null;

-- Asked without the caller's scope: a correction may have moved the accident to where the caller does not look.
create function equipment.accident_corrected(entry bigint) returns boolean
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select exists (select 1 from equipment.accident c where c.corrects = entry)
$$;
-- Numbers run through the whole city, also for a caller who sees one district of it. The caller holds the year's lock.
create function equipment.next_accident_number(year integer) returns text
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select format('SG%s-%s', year, to_char(coalesce(max(split_part(number, '-', 2)::integer), 0) + 1, 'FM0000'))
    from equipment.accident where number like format('SG%s-%%', year)
$$;
revoke all on function equipment.accident_corrected(bigint), equipment.next_accident_number(integer) from public;
grant execute on function equipment.accident_corrected(bigint), equipment.next_accident_number(integer)
    to teshe_scoped, teshe_system;

create view equipment.accident_current with (security_invoker = true) as
    select a.* from equipment.accident a where not equipment.accident_corrected(a.id);
call equipment.protect('equipment.accident',
    'equipment.scope_kind() = ''jurisdiction'' and exists (select 1 from equipment.jurisdiction j where j.id = accident.jurisdiction_id and starts_with(j.path, equipment.scope_path()))',
    'select, insert');
create policy reporters on equipment.accident as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() in ('inspector', 'regulator') and recorded_by = equipment.scope_account()
    and (unit_no is null or exists (select 1 from equipment.unit u where u.no = unit_no)));
grant select on equipment.accident_current to teshe_scoped, teshe_system;
