-- 本市规则: every edit is a row; the newest version of a rule is in force, also over a shipped rule of the same name.
create table alarms.city_rule (
    id bigint generated always as identity primary key,
    rule text not null,
    version integer not null check (version > 0),
    definition text not null,                  -- YAML, as written
    account_id bigint,
    author text not null,
    reason text not null check (reason <> ''),
    created_at timestamptz not null,
    unique (rule, version)
);
create trigger city_rule_append_only before update or delete or truncate on alarms.city_rule
    for each statement execute function equipment.refuse_change();

-- 辖区设置: limits that rules ask for as setting(name, default); the newest row of a name and jurisdiction is in force.
create table alarms.setting (
    id bigint generated always as identity primary key,
    jurisdiction_id text not null references equipment.jurisdiction,
    name text not null check (name ~ '^[a-z_][a-z0-9_]*$'),
    value double precision,                    -- null: back to what holds above
    account_id bigint,
    author text not null,
    reason text not null check (reason <> ''),
    created_at timestamptz not null,
    check (value is null or value not in ('NaN', 'Infinity', '-Infinity'))
);
create index setting_by_name on alarms.setting (jurisdiction_id, name, id desc);
create trigger setting_append_only before update or delete or truncate on alarms.setting
    for each statement execute function equipment.refuse_change();

-- 规则故障: a rule that failed is a system alarm of its own; readings are stored and the other rules judged.
create table alarms.rule_failure (
    id bigint generated always as identity primary key,
    rule text not null,
    rule_version integer not null,
    error text not null,
    times integer not null check (times > 0),
    failed_at timestamptz not null
);
create index rule_failure_by_time on alarms.rule_failure (failed_at desc);
create trigger rule_failure_append_only before update or delete or truncate on alarms.rule_failure
    for each statement execute function equipment.refuse_change();

-- A checkpoint carries the older end of the short history as well, corrected by what came late; samples between the two
-- are in the store.
delete from alarms.checkpoint;
alter table alarms.checkpoint add column history_batch bigint not null, add column history bytea not null;

call equipment.protect('alarms.city_rule', 'equipment.scope_kind() is not null', 'select, insert');
call equipment.protect('alarms.setting', 'equipment.scope_kind() is not null', 'select, insert');
call equipment.protect('alarms.rule_failure', 'equipment.scope_kind() = ''jurisdiction''');
-- Everybody may read what judges him; only the city's authority and its administrators write it.
create policy rule_makers on alarms.city_rule as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('regulator', 'system_admin'));
create policy setting_makers on alarms.setting as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('regulator', 'system_admin'));
