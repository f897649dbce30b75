-- 双随机: a draw with everything that makes it repeatable, the tasks it gave, and what the inspections found.
create table maintenance.draw (
    id bigint generated always as identity primary key,
    title text not null,
    basis text not null check (length(btrim(basis)) > 0),
    seed text not null,                -- published; '' for tasks that another platform drew
    rules jsonb not null,              -- shares by stratum as they were
    candidates jsonb not null,         -- unit id -> stratum, all that could be drawn
    officers jsonb not null,           -- those who could be drawn
    sha256 text not null,              -- over title, seed, rules, candidates, officers
    drawn_at timestamptz not null,
    drawn_by bigint not null,
    jurisdiction_path text not null
);
create trigger draw_append_only before update or delete or truncate on maintenance.draw
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.draw', 'equipment.scope_kind() = ''jurisdiction'' and (starts_with(jurisdiction_path, equipment.scope_path())
    or starts_with(equipment.scope_path(), jurisdiction_path))', 'select, insert');
create policy leaders_insert on maintenance.draw as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator') and drawn_by = equipment.scope_account());

create table maintenance.inspection_task (
    id bigint generated always as identity primary key,
    draw_id bigint not null references maintenance.draw,
    number text not null,              -- of ours, or of the platform that drew it
    unit_no integer not null,
    stratum text not null,
    officers jsonb not null,
    unique (draw_id, number)
);
create index inspection_task_by_unit on maintenance.inspection_task (unit_no);
create trigger inspection_task_append_only before update or delete or truncate on maintenance.inspection_task
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.inspection_task', 'equipment.scope_kind() = ''jurisdiction''
    and exists (select 1 from equipment.unit u where u.no = inspection_task.unit_no)', 'select, insert');

create table maintenance.inspection_result (
    id bigint generated always as identity primary key,
    task_id bigint not null unique references maintenance.inspection_task,
    conclusion text not null check (conclusion in ('no_problem', 'problems', 'not_possible')),
    items jsonb not null,
    officers text not null,
    note text not null default '',
    lead_ids bigint[] not null,
    recorded_at timestamptz not null,
    recorded_by bigint not null
);
create trigger inspection_result_append_only before update or delete or truncate on maintenance.inspection_result
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.inspection_result', 'exists (select 1 from maintenance.inspection_task t where t.id = inspection_result.task_id)',
    'select, insert');
create policy own_result on maintenance.inspection_result as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() = 'inspector' and recorded_by = equipment.scope_account());
