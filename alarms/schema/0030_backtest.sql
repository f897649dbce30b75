-- 回测: what was asked, how far it is, and what it found; made by a process of its own, never inside a request.
create table alarms.backtest_run (
    id bigint generated always as identity primary key,
    rules_a text not null check (rules_a <> ''),   -- shipped, in_force, an id with or without @version, or YAML
    rules_b text check (rules_b <> ''),            -- the other side of a comparison
    begins_at timestamptz not null,
    ends_at timestamptz not null,
    units text[] not null default '{}',            -- none: all
    before_seconds double precision not null check (before_seconds > 0),
    after_seconds double precision not null check (after_seconds >= 0),
    scope_path text not null,                      -- whose units: the jurisdiction of whoever asked
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
    progress real not null default 0 check (progress between 0 and 1),
    error text,
    result_a jsonb,
    result_b jsonb,
    account_id bigint,
    author text not null,
    asked_at timestamptz not null,
    started_at timestamptz,
    heartbeat_at timestamptz,                      -- a run that does not show life is taken up again
    finished_at timestamptz,
    check (begins_at < ends_at)
);
create index backtest_run_waiting on alarms.backtest_run (id) where state in ('queued', 'running');
grant select, insert, update, delete on alarms.backtest_run to teshe_system;
call equipment.protect('alarms.backtest_run',
    'equipment.scope_kind() = ''jurisdiction'' and starts_with(scope_path, equipment.scope_path())', 'select, insert');
create policy backtest_makers on alarms.backtest_run as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() in ('regulator', 'inspector', 'system_admin') and account_id = equipment.scope_account()
    and state = 'queued');

-- 影子评分: a rule on a model of device, against calls and confirmed incidents; worked out anew every few minutes.
create table alarms.shadow_score (
    rule text not null,
    device_model text not null,
    rule_version integer not null,
    shadow boolean not null,                       -- the rule's mode is shadow: it pages nobody
    never_muted boolean not null,
    since timestamptz not null,                    -- first seen on this model
    scored_at timestamptz not null,
    units integer not null,
    confirmed integer not null,
    unconfirmed integer not null,
    found_false integer not null,                  -- of the unconfirmed: a person said so
    pending integer not null,
    events integer not null,
    answered integer not null,
    missed integer not null,
    silent integer not null,
    primary key (rule, device_model)
);
grant select, insert, update, delete on alarms.shadow_score to teshe_system;
call equipment.protect('alarms.shadow_score', 'equipment.scope_kind() = ''jurisdiction''');

-- 设备型号准入: whether a rule rings the desk for a model of device. The newest row of a pair that has not expired decides;
-- without one it is in its shadow period.
create table alarms.device_trust (
    id bigint generated always as identity primary key,
    rule text not null,
    device_model text not null,
    decision text not null check (decision in ('trusted', 'shadow', 'exception', 'mute')),
    reason text not null check (reason <> ''),
    document_no text,
    evidence jsonb not null default '{}',          -- the score by value
    account_id bigint,                             -- null: worked out, or shipped
    author text not null,
    decided_at timestamptz not null,
    expires_at timestamptz,
    check (decision not in ('exception', 'mute') or author = 'teshe'
           or (account_id is not null and document_no <> '' and expires_at > decided_at))
);
create index device_trust_newest on alarms.device_trust (rule, device_model, id desc);
create trigger device_trust_append_only before update or delete or truncate on alarms.device_trust
    for each statement execute function equipment.refuse_change();
grant select, insert, update, delete on alarms.device_trust to teshe_system;
call equipment.protect('alarms.device_trust', 'equipment.scope_kind() = ''jurisdiction''', 'select, insert');
create policy trust_makers on alarms.device_trust as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() = 'regulator' and decision in ('exception', 'mute', 'shadow') and account_id = equipment.scope_account());

-- What did not ring, or rang as unproven, because of it: suppression is a record.
create table alarms.unproven_alarm (
    alarm_id text primary key references alarms.alarm,
    unit_no integer not null,
    rule text not null,
    device_model text not null,
    rang boolean not null,                         -- true: opened a 待核实 incident all the same
    why text not null,
    at timestamptz not null
);
create index unproven_by_pair on alarms.unproven_alarm (rule, device_model, at desc);
create trigger unproven_append_only before update or delete or truncate on alarms.unproven_alarm
    for each statement execute function equipment.refuse_change();
grant select, insert, update, delete on alarms.unproven_alarm to teshe_system;
call equipment.protect('alarms.unproven_alarm', 'exists (select 1 from equipment.unit u where u.no = unproven_alarm.unit_no)');

-- 设备反复误报: told once for a run of false alarms, so that its work order is opened once.
create table alarms.device_report (
    id bigint generated always as identity primary key,
    unit_no integer not null,
    device_model text not null,
    alarms text[] not null,
    first_at timestamptz not null,
    told_at timestamptz not null
);
create index device_report_by_unit on alarms.device_report (unit_no, told_at desc);
create trigger device_report_append_only before update or delete or truncate on alarms.device_report
    for each statement execute function equipment.refuse_change();
grant select, insert, update, delete on alarms.device_report to teshe_system;
call equipment.protect('alarms.device_report', 'exists (select 1 from equipment.unit u where u.no = device_report.unit_no)');

-- The terminals that the simulator plays send what the simulator means: the shipped rules ring for them at once (ADR 0053).
insert into alarms.device_trust (rule, device_model, decision, reason, document_no, author, decided_at)
select r.rule, m.model, 'exception', '随系统提供：模拟终端 (shipped: a simulated terminal)', 'ADR 0053', 'teshe', now()
from unnest(array['lift.entrapment', 'lift.entrapment_code', 'lift.alarm_button', 'lift.open_door_travel',
                  'lift.unintended_movement', 'lift.overrun_occupied', 'escalator.reversal', 'escalator.missing_step']) as r(rule)
cross join unnest(array['TS-L1', 'TS-L2', 'TS-L3']) as m(model);
