-- 静音: what an alarm that pages nobody carries with it, and the record of who muted it.
alter table alarms.alarm
    add column latched boolean not null default false,     -- its condition ended and its rule latches: not normal before a reset
    add column protected boolean not null default false,   -- entrapment or a call for help: muted by a person only, not for long
    add column shelf text check (shelf in ('timed', 'one_shot')),
    add column inhibited_by text,                          -- storm:12 or alarm:<id>
    add column assigned_to text;
update alarms.alarm set protected = true
where rule in ('lift.entrapment', 'lift.entrapment_code', 'lift.alarm_button') and state <> 'normal';
update alarms.alarm set shelf = 'timed' where state = 'shelved';
update alarms.alarm set latched = true where state like 'latched%';
create index alarm_muted_until on alarms.alarm (shelved_until) where shelved_until is not null;
create index alarm_event_by_time on alarms.alarm_event (at);

create table alarms.suppression (
    id bigint generated always as identity primary key,
    alarm_id text not null references alarms.alarm,
    unit_no integer not null,
    kind text not null check (kind in ('timed', 'one_shot', 'design', 'inhibition', 'out_of_service')),
    scope text not null,                       -- alarm, unit, storm:12
    account_id bigint,                         -- null: the platform, by a rule
    author text not null,
    reason text not null,
    began_at timestamptz not null,
    expires_at timestamptz                     -- null: until the unit is in service again
);
create index suppression_by_alarm on alarms.suppression (alarm_id, id desc);
create trigger suppression_append_only before update or delete or truncate on alarms.suppression
    for each statement execute function equipment.refuse_change();
call equipment.protect('alarms.suppression', 'exists (select 1 from equipment.unit u where u.no = suppression.unit_no)', 'select, insert');
