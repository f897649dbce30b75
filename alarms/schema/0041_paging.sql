-- 通知: the outbox. A row is written in the transaction that wants somebody told; the sender works it off afterwards.
create table alarms.notification (
    id bigint generated always as identity primary key,
    key text not null unique,                  -- what makes it the same notification: nobody is paged twice
    purpose text not null check (purpose in ('order', 'withdrawn', 'two_hours', 'watchdog', 'test')),
    incident_id bigint references alarms.incident,
    dispatch_id bigint references alarms.dispatch,
    organisation_id bigint references equipment.organisation,
    person_id bigint references equipment.person,
    channel text not null check (channel in ('voice', 'sms', 'wecom', 'dingtalk', 'webhook', 'email', 'page')),
    address text not null,                     -- number, mail address, name of the webhook
    body jsonb not null,
    state text not null default 'pending' check (state in ('pending', 'sending', 'sent', 'receipted', 'stopped', 'dead')),
    attempts integer not null default 0,
    rings integer not null default 0,          -- how often a voice call that nobody took was rung again
    next_at timestamptz not null,
    created_at timestamptz not null,
    sent_at timestamptz,
    receipt_at timestamptz,
    receipt text,                              -- the key that was pressed, what the link said
    provider_id text,                          -- what the provider calls it; to hang up
    hang_up boolean not null default false,    -- acknowledged elsewhere while it rings
    last_error text
);
create index notification_due on alarms.notification (next_at) where state in ('pending', 'sending');
create index notification_hang_up on alarms.notification (id) where hang_up;
create index notification_dead on alarms.notification (created_at) where state = 'dead';
create index notification_by_incident on alarms.notification (incident_id, id);

create table alarms.notification_attempt (
    id bigint generated always as identity primary key,
    notification_id bigint not null references alarms.notification,
    at timestamptz not null,
    outcome text not null,                     -- sent, failed, receipt, stopped, dead, again
    words text not null default ''
);
create index notification_attempt_by_notification on alarms.notification_attempt (notification_id, id);
create trigger notification_attempt_append_only before update or delete or truncate on alarms.notification_attempt
    for each statement execute function equipment.refuse_change();

-- Where an organisation wants to be told beside the telephone: its group's robot, its own system, its mail.
create table alarms.paging_address (
    id bigint generated always as identity primary key,
    organisation_id bigint not null references equipment.organisation,
    channel text not null check (channel in ('wecom', 'dingtalk', 'webhook', 'email')),
    address text not null,
    secret text,                               -- signs what we send there; never shown again
    since timestamptz not null,
    ended_at timestamptz
);
create unique index paging_address_once on alarms.paging_address (organisation_id, channel, address) where ended_at is null;

-- 短信链接: one tap answers an order, once, until it expires. Only the hash is kept.
create table alarms.reply_link (
    token_sha256 bytea primary key,
    dispatch_id bigint not null references alarms.dispatch,
    notification_id bigint references alarms.notification,
    expires_at timestamptz not null,
    used_at timestamptz,
    used_for text check (used_for in ('answer', 'refuse'))
);

-- 拨号记录: whom the seat has rung, and what came of it. Append-only.
create table alarms.call_out (
    id bigint generated always as identity primary key,
    incident_id bigint not null references alarms.incident,
    unit_no integer,
    organisation_id bigint references equipment.organisation,
    person_id bigint references equipment.person,
    role text not null check (role in ('duty', 'manager', 'safety_officer', 'station', 'property', 'firm', 'caller', 'emergency')),
    name text not null default '',
    phone text not null,
    result text not null check (result in ('connected', 'no_answer', 'switched_off', 'refused', 'wrong_number', 'not_ours')),
    note text not null default '',
    at timestamptz not null,
    account_id bigint not null
);
create index call_out_by_incident on alarms.call_out (incident_id, id);
create trigger call_out_append_only before update or delete or truncate on alarms.call_out
    for each statement execute function equipment.refuse_change();

-- 待办: what the desk leaves to be put right. 错号 非我维保 死信 事故报告 30日随访.
create table alarms.desk_task (
    id bigint generated always as identity primary key,
    key text not null unique,
    kind text not null check (kind in ('wrong_number', 'not_ours', 'dead_letter', 'accident_report', 'death_follow_up')),
    incident_id bigint references alarms.incident,
    unit_no integer,
    organisation_id bigint references equipment.organisation,
    person_id bigint references equipment.person,
    detail jsonb not null default '{}',
    opened_at timestamptz not null,
    opened_by bigint,
    due_at timestamptz,
    closed_at timestamptz,
    closed_by bigint,
    resolution text,
    check ((closed_at is null) = (resolution is null))
);
create index desk_task_open on alarms.desk_task (opened_at) where closed_at is null;

-- The escalator's pulse, and what its watchdog has found. One row per worker of the clocks.
create table alarms.escalator_pulse (
    name text primary key,
    beat_at timestamptz not null,
    -- the newest rows at that beat: what is older was written by the clock as it was then
    incident_id bigint not null default 0,
    dispatch_id bigint not null default 0,
    notification_id bigint not null default 0
);
create table alarms.watchdog_alarm (
    id bigint generated always as identity primary key,
    began_at timestamptz not null,
    late_seconds integer not null,
    overdue integer not null,                  -- timers that nobody had acted on
    reason text not null,
    ended_at timestamptz
);
create unique index watchdog_alarm_one_open on alarms.watchdog_alarm ((true)) where ended_at is null;

call equipment.protect('alarms.notification', $$
    (equipment.scope_kind() = 'jurisdiction' and equipment.scope_role() in ('desk', 'regulator', 'auditor')
        and (incident_id is null or exists (select 1 from alarms.incident i where i.id = notification.incident_id)))
    or (equipment.scope_kind() = 'firm' and organisation_id = equipment.scope_organisation())
$$, 'select, insert, update');
call equipment.protect('alarms.paging_address', $$organisation_id = equipment.scope_organisation()
    or (equipment.scope_kind() = 'jurisdiction' and equipment.scope_role() in ('desk', 'regulator'))$$, 'select, insert, update (ended_at)');
call equipment.protect('alarms.notification_attempt',
    'exists (select 1 from alarms.notification n where n.id = notification_attempt.notification_id)', 'select, insert');
call equipment.protect('alarms.reply_link',
    'exists (select 1 from alarms.dispatch d where d.id = reply_link.dispatch_id)', 'select, insert');
call equipment.protect('alarms.call_out',
    'equipment.scope_kind() = ''jurisdiction'' and exists (select 1 from alarms.incident i where i.id = call_out.incident_id)', 'select, insert');
call equipment.protect('alarms.desk_task', $$
    equipment.scope_kind() = 'jurisdiction'
    and (unit_no is null or exists (select 1 from equipment.unit u where u.no = desk_task.unit_no))
$$, 'select, insert, update (closed_at, closed_by, resolution)');
call equipment.protect('alarms.escalator_pulse', 'equipment.scope_kind() = ''jurisdiction''', 'select');
call equipment.protect('alarms.watchdog_alarm', 'equipment.scope_kind() = ''jurisdiction''', 'select');

-- An answer stops the paging of its order everywhere, also that of people the answerer may not see.
create function alarms.stop_paging(incident bigint, dispatch bigint, at timestamptz) returns integer
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare stopped integer;
begin
    if equipment.is_scoped()
        and not exists (select 1 from alarms.incident i join equipment.unit u on u.no = i.unit_no
                        where i.id = incident and (equipment.scope_kind() = 'jurisdiction' and starts_with(u.jurisdiction_path, equipment.scope_path())
                                                or equipment.scope_kind() = 'firm' and u.firm_org_id = equipment.scope_organisation()))
        and not exists (select 1 from alarms.incident i where i.id = incident and i.unit_no is null
                        and equipment.scope_kind() = 'jurisdiction')
        and not alarms.ordered_to(incident, equipment.scope_organisation()) then
        raise exception 'incident % is not the caller''s', incident using errcode = 'insufficient_privilege';
    end if;
    with done as (
        update alarms.notification n set state = 'stopped',
            hang_up = n.channel = 'voice' and n.state in ('sending', 'sent')
        where n.incident_id = incident and n.purpose = 'order' and (dispatch is null or n.dispatch_id = dispatch)
          and (n.state in ('pending', 'sending') or n.state = 'sent' and n.channel = 'voice')
        returning n.id
    ), noted as (
        insert into alarms.notification_attempt (notification_id, at, outcome) select id, at, 'stopped' from done
    )
    select count(*) into stopped from done;
    return stopped;
end $$;
revoke all on function alarms.stop_paging(bigint, bigint, timestamptz) from public;
grant execute on function alarms.stop_paging(bigint, bigint, timestamptz) to teshe_scoped, teshe_system;

-- 收件箱: what machines tell us (a key that was pressed, a link that was tapped, a call that rings). The web process only
-- keeps it, in the request's own transaction; the jobs act on it, so that nothing is lost between the two.
create table alarms.inbox (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('reply', 'receipt', 'call')),
    delivery text not null,                    -- the sender's id of it: a second one changes nothing
    payload jsonb not null,
    received_at timestamptz not null,
    done_at timestamptz,
    problem text,                              -- why it could not be acted on
    unique (kind, delivery)
);
create index inbox_waiting on alarms.inbox (id) where done_at is null;
call equipment.protect('alarms.inbox', 'equipment.scope_kind() = ''jurisdiction'' and equipment.scope_role() in (''desk'', ''regulator'', ''auditor'', ''system_admin'')', 'select');

-- Keep a message of a machine; false: it is here already. Whoever calls has checked who sent it.
create function alarms.receive(kind text, delivery text, payload jsonb, at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    insert into alarms.inbox (kind, delivery, payload, received_at) values (receive.kind, receive.delivery, receive.payload, at)
    on conflict do nothing;
    return found;
end $$;
-- What a reply link is about, for the page behind it: nothing without the token.
create function alarms.reply_link_of(token bytea)
returns table (incident_number text, kind text, trapped integer, lift text, place text, expires_at timestamptz, used_at timestamptz, used_for text)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select i.number, i.kind, i.trapped, coalesce(u.name, i.place), concat_ws(' ', u.address, u.building, u.entrance), l.expires_at, l.used_at, l.used_for
    from alarms.reply_link l join alarms.dispatch d on d.id = l.dispatch_id join alarms.incident i on i.id = d.incident_id
    left join equipment.unit u on u.no = i.unit_no where l.token_sha256 = token
$$;
revoke all on function alarms.receive(text, text, jsonb, timestamptz), alarms.reply_link_of(bytea) from public;
grant execute on function alarms.receive(text, text, jsonb, timestamptz), alarms.reply_link_of(bytea) to teshe_scoped, teshe_system;

-- How late the escalator is, for whoever watches it: seconds since its beat, and timers that nobody has acted on.
create function alarms.escalator_lag(at timestamptz) returns table (beat_at timestamptz, overdue integer, oldest timestamptz)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    with late as (
        select i.verify_by as due from alarms.incident i where i.state = 'verifying' and i.verify_by < at
        union all
        select least(d.answer_by, d.arrive_by) from alarms.dispatch d join alarms.incident i on i.id = d.incident_id
        where d.arrived_at is null and d.escalated_at is null and d.ended_at is null and d.level < 3 and i.state in ('dispatched', 'answered')
          and d.id = (select max(x.id) from alarms.dispatch x where x.incident_id = d.incident_id)
          and (d.answered_at is null and d.answer_by < at and not alarms.somebody_comes(d.incident_id) or d.arrive_by < at)
    )
    select (select p.beat_at from alarms.escalator_pulse p where p.name = 'escalator'), (select count(*)::integer from late), (select min(due) from late)
$$;
-- The watchdog's own writing, from a process that is not the escalator's: the alarm begins once and ends once.
create function alarms.watchdog_report(at timestamptz, late integer, timers integer, why text) returns text
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    if why is null then
        update alarms.watchdog_alarm set ended_at = at where ended_at is null;
        return case when found then 'ended' else 'well' end;
    end if;
    insert into alarms.watchdog_alarm (began_at, late_seconds, overdue, reason) values (at, late, timers, why)
    on conflict ((true)) where ended_at is null do update set late_seconds = greatest(watchdog_alarm.late_seconds, excluded.late_seconds),
        overdue = greatest(watchdog_alarm.overdue, excluded.overdue);
    return 'late';
end $$;
revoke all on function alarms.escalator_lag(timestamptz), alarms.watchdog_report(timestamptz, integer, integer, text) from public;
grant execute on function alarms.escalator_lag(timestamptz), alarms.watchdog_report(timestamptz, integer, integer, text) to teshe_scoped, teshe_system;
