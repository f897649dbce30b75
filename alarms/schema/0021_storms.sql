-- 通告: every time an alarm asked for somebody, also when a group answered for it (muted). The basis of load and floods.
create table alarms.annunciation (
    id bigint generated always as identity primary key,
    alarm_id text not null references alarms.alarm,
    unit_no integer not null,
    rule text not null,
    severity text not null,
    event text not null,                       -- raised, returned, escalated
    desk boolean not null,                     -- it rings the 96366 desk
    muted boolean not null,                    -- a group or its cause explains it
    district text not null,
    gateway text,
    firm text,
    at timestamptz not null
);
create index annunciation_by_time on alarms.annunciation (at);
create index annunciation_by_rule on alarms.annunciation (rule, at);
create trigger annunciation_append_only before update or delete or truncate on alarms.annunciation
    for each statement execute function equipment.refuse_change();
call equipment.protect('alarms.annunciation', 'exists (select 1 from equipment.unit u where u.no = annunciation.unit_no)');

-- 群发: alarms of one cause.
create table alarms.storm (
    id bigint generated always as identity primary key,
    cause text not null,
    place_kind text not null check (place_kind in ('district', 'gateway', 'firm')),
    place text not null,
    first_alarm text not null references alarms.alarm,
    started_at timestamptz not null,           -- the first alarm
    found_at timestamptz not null,             -- the one that made it a group
    ends_by timestamptz not null,              -- it explains nothing after this
    ended_at timestamptz
);
create unique index storm_open on alarms.storm (cause, place) where ended_at is null;
create index storm_by_time on alarms.storm (started_at desc);
create table alarms.storm_member (
    storm_id bigint not null references alarms.storm,
    alarm_id text not null references alarms.alarm,
    unit_no integer not null,
    trigger boolean not null,                  -- of the alarms that make such a group
    inhibited boolean not null,                -- pages nobody by itself
    at timestamptz not null,
    primary key (storm_id, alarm_id)
);
create index storm_member_by_alarm on alarms.storm_member (alarm_id);
call equipment.protect('alarms.storm_member', 'exists (select 1 from equipment.unit u where u.no = storm_member.unit_no)');
call equipment.protect('alarms.storm', 'exists (select 1 from alarms.storm_member m where m.storm_id = storm.id)');

-- 报警泛滥 by ISA-18.2 §16.
create table alarms.flood (
    id bigint generated always as identity primary key,
    console text not null check (console in ('desk', 'city')),
    started_at timestamptz not null,
    ended_at timestamptz,
    peak integer not null                      -- most annunciations within one window
);
create unique index flood_open on alarms.flood (console) where ended_at is null;
create index flood_by_time on alarms.flood (started_at desc);
call equipment.protect('alarms.flood', 'equipment.scope_kind() = ''jurisdiction''');
