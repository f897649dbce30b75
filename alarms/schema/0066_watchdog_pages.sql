-- 值守通知: the watchdog pages people itself, from the web process, whatever the jobs do. One row per address and round.
alter table alarms.watchdog_alarm
    add column rounds integer not null default 0,      -- how often it has been told
    add column told_at timestamptz,                    -- the newest round
    add column over_told_at timestamptz;               -- when the all-clear was written
update alarms.watchdog_alarm set over_told_at = ended_at where ended_at is not null;

create table alarms.watchdog_page (
    id bigint generated always as identity primary key,
    alarm_id bigint not null references alarms.watchdog_alarm,
    round integer not null,                            -- 0: it is over
    channel text not null check (channel in ('voice', 'sms', 'wecom', 'dingtalk', 'email')),
    address text not null,
    state text not null default 'pending' check (state in ('pending', 'sent', 'dead', 'stopped')),
    attempts integer not null default 0,
    next_at timestamptz not null,
    sent_at timestamptz,
    words text,                                        -- what was said
    last_error text,
    unique (alarm_id, round, channel, address)
);
create index watchdog_page_due on alarms.watchdog_page (next_at) where state = 'pending';
call equipment.protect('alarms.watchdog_page', 'equipment.scope_kind() = ''jurisdiction''', 'select');

-- Pages that wait for a sender which does not come: an order nobody hears of is as bad as a timer nobody acts on.
create function alarms.sender_lag(at timestamptz) returns table (waiting integer, oldest timestamptz)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select count(*)::integer, min(n.next_at) from alarms.notification n where n.state in ('pending', 'sending') and n.next_at < at
$$;

-- An outage that comes back within a minute is the same one: nobody is paged anew for it.
create or replace function alarms.watchdog_report(at timestamptz, late integer, timers integer, why text) returns text
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('watchdog', 0));
    if why is null then
        update alarms.watchdog_alarm set ended_at = at where ended_at is null;
        return case when found then 'ended' else 'well' end;
    end if;
    update alarms.watchdog_alarm w set late_seconds = greatest(w.late_seconds, late), overdue = greatest(w.overdue, timers), ended_at = null
    where w.id = (select max(id) from alarms.watchdog_alarm)
      and (w.ended_at is null or w.over_told_at is null and at - w.ended_at between interval '-60 seconds' and interval '60 seconds');
    if not found then
        insert into alarms.watchdog_alarm (began_at, late_seconds, overdue, reason) values (at, late, timers, why);
    end if;
    return 'late';
end $$;

-- What is to be said at this moment, and to whom: written once however many processes watch, and claimed by the one that asks.
-- A clock that was set back holds up nothing. The all-clear goes to those who were told, once it has held for a minute.
create function alarms.watchdog_pages(at timestamptz, addresses jsonb, repeat_seconds integer, claim_seconds integer)
returns table (id bigint, alarm_id bigint, round integer, channel text, address text, attempts integer, began_at timestamptz,
               ended_at timestamptz, late_seconds integer, overdue integer, reason text)
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
#variable_conflict use_column
declare told alarms.watchdog_alarm;
begin
    perform pg_advisory_xact_lock(hashtextextended('watchdog', 0));
    update alarms.watchdog_alarm w set rounds = w.rounds + 1, told_at = at
    where w.ended_at is null and jsonb_array_length(addresses) > 0
      and (w.told_at is null or abs(extract(epoch from at - w.told_at)) >= repeat_seconds)
    returning w.* into told;
    if found then
        -- a new round takes the place of what could not be said in the one before
        update alarms.watchdog_page p set state = 'stopped' where p.alarm_id = told.id and p.state = 'pending';
        insert into alarms.watchdog_page (alarm_id, round, channel, address, next_at)
        select told.id, told.rounds, a->>0, a->>1, at from jsonb_array_elements(addresses) a on conflict do nothing;
    end if;
    for told in update alarms.watchdog_alarm w set over_told_at = at
                where w.ended_at is not null and w.over_told_at is null and abs(extract(epoch from at - w.ended_at)) >= 60 returning w.* loop
        update alarms.watchdog_page p set state = 'stopped' where p.alarm_id = told.id and p.state = 'pending';
        insert into alarms.watchdog_page (alarm_id, round, channel, address, next_at)
        select distinct told.id, 0, p.channel, p.address, at from alarms.watchdog_page p
        where p.alarm_id = told.id and p.state = 'sent' on conflict do nothing;
    end loop;
    return query
        update alarms.watchdog_page p set attempts = p.attempts + 1, next_at = at + make_interval(secs => claim_seconds)
        from alarms.watchdog_alarm w
        where w.id = p.alarm_id and p.state = 'pending' and (p.next_at <= at or p.next_at > at + interval '10 minutes')
        returning p.id, p.alarm_id, p.round, p.channel, p.address, p.attempts, w.began_at, w.ended_at, w.late_seconds, w.overdue, w.reason;
end $$;

-- What became of one page; without an error it was taken, without a next moment it is given up until the next round.
create function alarms.watchdog_paged(page bigint, at timestamptz, said text, error text, next timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    update alarms.watchdog_page p set words = said, last_error = error, sent_at = case when error is null then at end,
        state = case when error is null then 'sent' when next is null then 'dead' else 'pending' end,
        next_at = coalesce(next, p.next_at)
    where p.id = page and p.state = 'pending'
$$;
revoke all on function alarms.sender_lag(timestamptz), alarms.watchdog_pages(timestamptz, jsonb, integer, integer),
    alarms.watchdog_paged(bigint, timestamptz, text, text, timestamptz) from public;
grant execute on function alarms.sender_lag(timestamptz), alarms.watchdog_pages(timestamptz, jsonb, integer, integer),
    alarms.watchdog_paged(bigint, timestamptz, text, text, timestamptz) to teshe_scoped, teshe_system;
