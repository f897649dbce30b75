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
create view equipment.accident_current with (security_invoker = true) as
    select a.* from equipment.accident a where not exists (select 1 from equipment.accident c where c.corrects = a.id);
call equipment.protect('equipment.accident',
    'equipment.scope_kind() = ''jurisdiction'' and exists (select 1 from equipment.jurisdiction j where j.id = accident.jurisdiction_id and starts_with(j.path, equipment.scope_path()))',
    'select, insert');
grant select on equipment.accident_current to teshe_scoped, teshe_system;
