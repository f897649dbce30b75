-- 两小时规则: an entrapment that lasts is told to named people step by step, and may be an accident.
create table alarms.named_person (
    id bigint generated always as identity primary key,
    name text not null,
    phone text not null,
    jurisdiction_path text not null,           -- of the entrapments he is told of
    channels text[] not null default '{voice,sms}',
    since timestamptz not null,
    ended_at timestamptz,
    account_id bigint
);
create table alarms.two_hour_step (
    incident_id bigint not null references alarms.incident,
    minutes integer not null check (minutes > 0),
    due_at timestamptz not null,
    told_at timestamptz not null,
    told text[] not null,                      -- names; empty: nobody is named, which the desk shows
    primary key (incident_id, minutes)
);
-- 可能的一般事故: from when the hour of the report runs.
create table alarms.possible_accident (
    incident_id bigint primary key references alarms.incident,
    unit_no integer,
    since timestamptz not null,
    report_by timestamptz not null,
    reasons text[] not null,                   -- criteria of the accident register that are met
    level text not null,
    deaths integer not null,
    serious_injuries integer not null,
    trapped_minutes integer not null,
    decided_at timestamptz,
    decided_by bigint,
    decision text check (decision in ('reported', 'not_an_accident')),
    accident_number text,
    reason text,
    changed_at timestamptz not null,
    check ((decided_at is null) = (decision is null))
);
create index possible_accident_open on alarms.possible_accident (report_by) where decided_at is null;

call equipment.protect('alarms.named_person', 'equipment.scope_kind() = ''jurisdiction'' and starts_with(jurisdiction_path, equipment.scope_path())',
    'select, insert, update (ended_at)');
create policy keepers on alarms.named_person as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('desk', 'regulator'));
call equipment.protect('alarms.two_hour_step', 'exists (select 1 from alarms.incident i where i.id = two_hour_step.incident_id)', 'select, insert');
call equipment.protect('alarms.possible_accident',
    'equipment.scope_kind() = ''jurisdiction'' and exists (select 1 from alarms.incident i where i.id = possible_accident.incident_id)',
    'select, insert, update');
