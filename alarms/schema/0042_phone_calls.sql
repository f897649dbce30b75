-- 来电: what the call centre says of the line, apart from what was said on it (ingest.call_record).
create table alarms.phone_call (
    id bigint generated always as identity primary key,
    source text not null,                      -- the call centre's name
    external_id text not null,                 -- its own id of the call
    caller text,                               -- null: withheld
    called text not null,                      -- which number was rung: the hotline, or another
    direction text not null default 'in' check (direction in ('in', 'out')),
    state text not null check (state in ('ringing', 'claimed', 'ended', 'abandoned')),
    rang_at timestamptz not null,              -- as the call centre says
    received_at timestamptz not null,
    claimed_at timestamptz,
    claimed_by bigint,
    seen_at timestamptz,                       -- heartbeat of the claiming seat
    ended_at timestamptz,
    dropped boolean not null default false,    -- it broke off before anything was taken down
    returned_at timestamptz,                   -- somebody rang back: the only thing that clears a missed call
    returned_by bigint,
    return_result text check (return_result in ('connected', 'no_answer', 'switched_off', 'refused', 'wrong_number')),
    unit_no integer,
    incident_id bigint references alarms.incident,
    call_record_id bigint,
    version integer not null default 1,
    unique (source, external_id)
);
create index phone_call_open on alarms.phone_call (rang_at) where state in ('ringing', 'claimed');
create index phone_call_missed on alarms.phone_call (rang_at)
    where (state = 'abandoned' or dropped) and returned_at is null;
create index phone_call_by_incident on alarms.phone_call (incident_id) where incident_id is not null;
create index phone_call_by_caller on alarms.phone_call (caller, rang_at desc);

create table alarms.phone_call_event (
    id bigint generated always as identity primary key,
    phone_call_id bigint not null references alarms.phone_call,
    delivery text unique,                      -- the call centre's id of the delivery: a second one changes nothing
    event text not null,                       -- ringing, claimed, ended, abandoned, take, release, stale, return_call, transfer, opened
    at timestamptz not null,
    recorded_at timestamptz not null,
    account_id bigint,
    detail jsonb not null default '{}'
);
create index phone_call_event_by_call on alarms.phone_call_event (phone_call_id, id);
create trigger phone_call_event_append_only before update or delete or truncate on alarms.phone_call_event
    for each statement execute function equipment.refuse_change();

-- 转接 12345 / 12315 / 120 …, with its result.
create table alarms.transfer (
    id bigint generated always as identity primary key,
    phone_call_id bigint references alarms.phone_call,
    incident_id bigint references alarms.incident,
    line text not null,
    result text not null check (result in ('accepted', 'refused', 'no_answer', 'unknown')),
    note text not null default '',
    at timestamptz not null,
    account_id bigint not null
);
create trigger transfer_append_only before update or delete or truncate on alarms.transfer
    for each statement execute function equipment.refuse_change();

-- A second delivery of the call centre's messages over MQTT or HTTP is told apart by their id; a message that cannot be
-- read is kept with its reason.
create table alarms.call_event_refused (
    id bigint generated always as identity primary key,
    received_at timestamptz not null,
    way text not null check (way in ('webhook', 'mqtt')),
    reason text not null,
    payload bytea not null
);
create index call_event_refused_by_time on alarms.call_event_refused (received_at desc);

call equipment.protect('alarms.phone_call',
    'equipment.scope_kind() = ''jurisdiction'' and equipment.scope_role() in (''desk'', ''regulator'', ''auditor'')', 'select, insert, update');
call equipment.protect('alarms.phone_call_event',
    'exists (select 1 from alarms.phone_call c where c.id = phone_call_event.phone_call_id)', 'select, insert');
call equipment.protect('alarms.transfer',
    'equipment.scope_kind() = ''jurisdiction'' and equipment.scope_role() in (''desk'', ''regulator'', ''auditor'')', 'select, insert');
call equipment.protect('alarms.call_event_refused',
    'equipment.scope_kind() = ''jurisdiction'' and equipment.scope_role() in (''desk'', ''regulator'', ''auditor'', ''system_admin'')', 'select');
