grant usage on schema alarms to teshe_system, teshe_scoped;

create table alarms.rule_set (
    id text primary key,                       -- sha-256 of the canonical rules
    rules jsonb not null,
    first_used_at timestamptz not null
);

create table alarms.checkpoint (
    shard smallint not null,
    batch bigint not null,                     -- state after this batch
    rule_set text not null,
    taken_at timestamptz not null,
    format integer not null,
    state bytea not null,
    primary key (shard, batch)
);

-- 报警. id = hash of (rule, version, unit, start).
create table alarms.alarm (
    id text primary key,
    unit_no integer not null,
    shard smallint not null,
    rule text not null,
    rule_version integer not null,
    severity text not null check (severity in ('critical', 'high', 'medium', 'low')),
    receivers text[] not null,
    state text not null check (state in ('normal', 'unacknowledged', 'acknowledged', 'returned_unacknowledged',
        'latched_unacknowledged', 'latched_acknowledged', 'shelved', 'suppressed_by_design', 'out_of_service')),
    active boolean not null,                   -- the condition, apart from the acknowledgement
    retrospective boolean not null default false,
    no_signal boolean not null default false,  -- 无信号
    shadow boolean not null default false,
    started_at timestamptz not null,           -- the condition began, server time
    raised_at timestamptz not null,            -- the deadline of the delay
    cleared_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by bigint,
    shelved_until timestamptz,
    evidence jsonb not null
);
create index alarm_open on alarms.alarm (severity, raised_at) where state <> 'normal';
create index alarm_by_unit on alarms.alarm (unit_no, raised_at desc);
create index alarm_by_time on alarms.alarm (raised_at desc);

create table alarms.alarm_event (
    id bigint generated always as identity primary key,
    alarm_id text not null references alarms.alarm,
    unit_no integer not null,
    event text not null,                       -- raised, cleared, withdrawn, acknowledged, shelved, ...
    from_state text not null,
    to_state text not null,
    at timestamptz not null,
    recorded_at timestamptz not null,
    account_id bigint,
    reason text,
    evidence jsonb not null default '{}'
);
create index alarm_event_by_alarm on alarms.alarm_event (alarm_id, id);
create trigger alarm_event_append_only before update or delete or truncate on alarms.alarm_event
    for each statement execute function equipment.refuse_change();

-- 应急事件.
create table alarms.incident (
    id bigint generated always as identity primary key,
    number text not null unique,               -- 20261123-0007
    unit_no integer,
    state text not null check (state in ('verifying', 'accepted', 'dispatched', 'answered', 'arrived', 'freed', 'called_back',
        'closed', 'cancelled', 'auto_cleared', 'merged')),
    kind text not null check (kind in ('entrapment', 'fault', 'complaint', 'consultation', 'self_release', 'false_alarm', 'other', 'unknown')),
    severity text not null check (severity in ('critical', 'high', 'medium', 'low')),
    first_source text not null check (first_source in ('alarm', 'call', 'qr')),
    confirmed boolean not null default false,  -- a person or a call has confirmed it
    place text not null default '',
    trapped integer, injured integer, suspected_dead integer,
    medical_rescue boolean not null default false,
    major_incident boolean not null default false,
    opened_at timestamptz not null,
    reported_at timestamptz,                   -- 报警
    verify_by timestamptz,                     -- clock of 待核实
    accepted_at timestamptz,                   -- 接警 (a seat took it)
    accepted_by bigint,
    dispatched_at timestamptz,                 -- 派单
    arrived_at timestamptz,                    -- 到达
    freed_at timestamptz,                      -- 解救
    called_back_at timestamptz,                -- 回访
    closed_at timestamptz,                     -- 办结
    outcome text,
    cause_code text,
    merged_into bigint references alarms.incident,
    version integer not null default 1
);
create index incident_open on alarms.incident (opened_at) where state not in ('closed', 'cancelled', 'auto_cleared', 'merged');
create unique index incident_one_open_per_unit on alarms.incident (unit_no)
    where unit_no is not null and state not in ('freed', 'called_back', 'closed', 'cancelled', 'auto_cleared', 'merged');
create index incident_by_time on alarms.incident (opened_at desc);

create table alarms.incident_source (
    incident_id bigint not null references alarms.incident,
    source_kind text not null check (source_kind in ('alarm', 'call', 'qr')),
    source_id text not null,
    unit_no integer,
    joined_at timestamptz not null,
    primary key (source_kind, source_id)
);
create index incident_source_by_incident on alarms.incident_source (incident_id);

create table alarms.incident_event (
    id bigint generated always as identity primary key,
    incident_id bigint not null references alarms.incident,
    unit_no integer,
    event text not null,
    from_state text not null,
    to_state text not null,
    at timestamptz not null,                   -- when it happened
    recorded_at timestamptz not null,
    account_id bigint,
    how_known text not null,                   -- seat, firm_app, geofence, sensor, system, call
    reason text,
    detail jsonb not null default '{}'
);
create index incident_event_by_incident on alarms.incident_event (incident_id, id);
create trigger incident_event_append_only before update or delete or truncate on alarms.incident_event
    for each statement execute function equipment.refuse_change();

-- 派单: level 1 contracted firm, 2 rescue station, 3 119/110.
create table alarms.dispatch (
    id bigint generated always as identity primary key,
    incident_id bigint not null references alarms.incident,
    unit_no integer,
    level smallint not null check (level between 1 and 3),
    organisation_id bigint references equipment.organisation,
    ordered_at timestamptz not null,
    ordered_by bigint,
    answer_by timestamptz not null,
    arrive_by timestamptz not null,
    answered_at timestamptz,
    arrived_at timestamptz,
    refused_at timestamptz,
    escalated_at timestamptz
);
create index dispatch_by_incident on alarms.dispatch (incident_id, id);

grant select, insert, update, delete on all tables in schema alarms to teshe_system;
call equipment.protect('alarms.alarm', 'exists (select 1 from equipment.unit u where u.no = alarm.unit_no)', 'select, update');
call equipment.protect('alarms.alarm_event', 'exists (select 1 from equipment.unit u where u.no = alarm_event.unit_no)', 'select, insert');
call equipment.protect('alarms.incident',
    '(unit_no is null and equipment.scope_role() in (''desk'', ''regulator'', ''auditor'')) or exists (select 1 from equipment.unit u where u.no = incident.unit_no)',
    'select, insert, update');
call equipment.protect('alarms.incident_source', 'exists (select 1 from alarms.incident i where i.id = incident_source.incident_id)', 'select, insert, update');
call equipment.protect('alarms.incident_event', 'exists (select 1 from alarms.incident i where i.id = incident_event.incident_id)', 'select, insert');
call equipment.protect('alarms.dispatch', $$
    exists (select 1 from alarms.incident i where i.id = dispatch.incident_id)
    and (equipment.scope_kind() <> 'firm' or organisation_id = equipment.scope_organisation())
$$, 'select, insert, update');
