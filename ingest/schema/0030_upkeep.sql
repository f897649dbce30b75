-- What a batch leaves for the upkeep, the horizon of raw data, device sessions, and the account per unit and hour.

-- 数据边界. One row. Samples before accept_from are refused as too_old; buckets before complete_from are never
-- recomputed, because their raw data is gone. Writers lock the table in ROW SHARE mode, the refresh in SHARE ROW
-- EXCLUSIVE, and whoever moves the horizon in EXCLUSIVE: a moved horizon has no writer behind it.
create table ingest.horizon (
    one boolean primary key default true check (one),
    accept_from timestamptz not null default '1970-01-02 00:00:00+00',
    complete_from timestamptz not null default '1970-01-02 00:00:00+00',
    moved_at timestamptz,
    check (complete_from <= accept_from)
);
insert into ingest.horizon default values;

-- 待汇总标记, always inserted as new rows. buckets: pairs of little-endian int32 (unit_no, minutes since 1970). Writers
-- mark minutes; a refresh of minutes marks hours, one of hours marks days.
create table ingest.rollup_dirty (
    id bigint generated always as identity primary key,
    level text not null check (level in ('minute', 'hour', 'day')),
    kind text not null,
    buckets bytea not null
);
create index rollup_dirty_by_level on ingest.rollup_dirty (level, id);

-- What became of the samples of a batch per unit, and the sequence numbers that were stored; folded by the upkeep.
-- counts: rows of 8 little-endian int32 (unit_no, received, stored, duplicates, quarantined, redelivered, late, unusable
-- clock); seqs: rows of (int32 unit_no, int64 seq, int64 server time in µs), in order of arrival; sessions: int32 unit_no of new sessions.
create table ingest.account_note (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    counts bytea not null,
    seqs bytea not null,
    sessions bytea not null
);

-- 损失账 per unit and hour of receipt; unit 0 collects what could not be told apart by unit.
create table ingest.unit_hour (
    hour timestamptz not null,
    unit_no integer not null,
    received bigint not null,
    stored bigint not null,
    duplicates bigint not null,
    quarantined bigint not null,
    redelivered bigint not null,
    late bigint not null,
    unusable_clock bigint not null,
    primary key (unit_no, hour),
    check (received = stored + duplicates + quarantined + redelivered)
);
create index unit_hour_by_hour on ingest.unit_hour (hour);

-- The same over all units, kept for good: the total since the beginning.
create table ingest.hour_total (
    hour timestamptz primary key,
    received bigint not null,
    stored bigint not null,
    duplicates bigint not null,
    quarantined bigint not null,
    redelivered bigint not null,
    late bigint not null,
    unusable_clock bigint not null,
    check (received = stored + duplicates + quarantined + redelivered)
);

-- 序号: how far each terminal has counted.
create table ingest.seq_state (
    unit_no integer primary key,
    highest bigint not null,
    highest_at timestamptz not null,
    restarts integer not null default 0,       -- the terminal began to count anew
    filled bigint not null default 0,          -- came later than its successors
    forgotten bigint not null default 0,       -- missing numbers of gaps too many to be kept one by one
    session_is_new boolean not null default false
);

-- 缺号: numbers that have not come. A gap shrinks when late samples fill it.
create table ingest.seq_gap (
    id bigint generated always as identity primary key,
    unit_no integer not null,
    first_seq bigint not null,
    last_seq bigint not null,
    noticed_at timestamptz not null,
    before_at timestamptz not null,            -- server time of the sample before the gap
    after_at timestamptz not null,             -- and of the one after it
    check (last_seq >= first_seq)
);
create index seq_gap_by_unit on ingest.seq_gap (unit_no, noticed_at);
create index seq_gap_by_time on ingest.seq_gap (noticed_at);

-- 上下线历史, append-only.
alter table ingest.unit_state add column online_cause text, add column online_since timestamptz,
    add column session_since timestamptz;
create table ingest.device_event (
    id bigint generated always as identity primary key,
    unit_no integer not null,
    at timestamptz not null,                   -- receipt, or the moment when silence became too long
    online boolean not null,
    -- will and status: said by the broker and by the terminal; heard: data came; silence: none came for too long;
    -- stale: said about a session that is over, and not believed
    cause text not null check (cause in ('status', 'will', 'heard', 'silence', 'stale')),
    session_id text
);
create index device_event_by_unit on ingest.device_event (unit_no, id desc);
create index device_event_by_session on ingest.device_event (unit_no, session_id) where session_id is not null;
create trigger device_event_append_only before update or delete or truncate on ingest.device_event
    for each statement execute function equipment.refuse_change();

-- 越权发布: publishes that the broker refused, as read from its log.
create table ingest.broker_violation (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    client text not null,
    unit_id text,
    unit_no integer,
    topic text not null,
    line text not null
);
create index broker_violation_by_time on ingest.broker_violation (at desc);
create trigger broker_violation_append_only before update or delete or truncate on ingest.broker_violation
    for each statement execute function equipment.refuse_change();

-- 重放申请 of the operator's page; the upkeep sends the bytes again.
create table ingest.replay_request (
    entry_id bigint primary key references ingest.quarantine,
    requested_at timestamptz not null,
    requested_by bigint not null,
    failed_at timestamptz,
    failure text
);

-- Heartbeats of the upkeep's duties, so that one that stands still is seen.
create table ingest.upkeep_duty (
    duty text primary key,
    ran_at timestamptz not null,
    seconds double precision not null,
    done bigint not null,
    failed_at timestamptz,
    failure text
);

grant select, insert, update, delete on ingest.horizon, ingest.rollup_dirty, ingest.account_note to teshe_system;
call equipment.protect('ingest.unit_hour',
    '(unit_no = 0 and equipment.scope_kind() = ''jurisdiction'' and equipment.scope_path() = ''/341300/'') or exists (select 1 from equipment.unit u where u.no = unit_no)');
call equipment.protect('ingest.hour_total', 'equipment.scope_kind() = ''jurisdiction''');
call equipment.protect('ingest.seq_state', 'exists (select 1 from equipment.unit u where u.no = unit_no)');
call equipment.protect('ingest.seq_gap', 'exists (select 1 from equipment.unit u where u.no = unit_no)');
call equipment.protect('ingest.device_event', 'exists (select 1 from equipment.unit u where u.no = unit_no)');
call equipment.protect('ingest.broker_violation', 'equipment.scope_kind() = ''jurisdiction'' and equipment.scope_path() = ''/341300/''');
call equipment.protect('ingest.replay_request', 'equipment.scope_kind() = ''jurisdiction'' and equipment.scope_path() = ''/341300/''');
call equipment.protect('ingest.upkeep_duty', 'equipment.scope_kind() = ''jurisdiction''');

-- The last value of an ordered input, without the NULLs: newest(speed order by ts, channel, seq).
create function ingest.take_newer(older anyelement, newer anyelement) returns anyelement
immutable strict parallel safe language sql as $$ select newer $$;
create aggregate ingest.newest(anyelement) (sfunc = ingest.take_newer, stype = anyelement, parallel = safe);

-- Chunks that lie wholly in [since, cutoff). The upkeep owns no table, so it asks here.
create function ingest.drop_chunks_between(parent regclass, chunk interval, since timestamptz, cutoff timestamptz) returns integer
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    extension name := (select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace
                       where e.extname = 'timescaledb');
    child record;
    dropped integer := 0;
begin
    if not exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where c.oid = parent and n.nspname = 'ingest' and c.relname ~ '^(reading|rollup_(minute|hour|day))_') then
        raise exception '% is not under retention', parent;
    end if;
    if extension is not null then
        execute format('select count(*) from %I.drop_chunks($1, older_than => $2, newer_than => $3)', extension)
            into dropped using parent, cutoff, since;
        return dropped;
    end if;
    for child in
        select c.oid::regclass as name, (to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') as starts
        from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = parent
    loop
        if child.starts >= since and child.starts + chunk <= cutoff then
            execute format('drop table %s', child.name);
            dropped := dropped + 1;
        end if;
    end loop;
    return dropped;
end $$;
revoke all on function ingest.drop_chunks_between(regclass, interval, timestamptz, timestamptz) from public;
grant execute on function ingest.drop_chunks_between(regclass, interval, timestamptz, timestamptz) to teshe_system;

-- Asked for on the operator's page; the bytes are sent by the upkeep.
create function ingest.request_replay(wanted bigint, at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with asked as (
        insert into ingest.replay_request (entry_id, requested_at, requested_by)
        select q.id, at, equipment.scope_account() from ingest.quarantine q
        where q.id = wanted and q.replayed_at is null and equipment.scope_role() = 'system_admin'
        on conflict (entry_id) do update set requested_at = excluded.requested_at, requested_by = excluded.requested_by,
            failed_at = null, failure = null
        returning 1
    )
    select exists (select 1 from asked)
$$;
revoke all on function ingest.request_replay(bigint, timestamptz) from public;
grant execute on function ingest.request_replay(bigint, timestamptz) to teshe_scoped, teshe_system;

-- Figures of the whole installation for monitoring: counts without a person, a unit or an address.
create function ingest.operating_figures(at timestamptz) returns table (
    last_batch_at timestamptz, dirty_markers bigint, account_notes bigint, stream_pending bigint,
    shards_owned bigint, devices_online bigint, devices_offline bigint, replays_waiting bigint,
    quarantine_waiting bigint, upkeep_ran_at timestamptz, accept_from timestamptz, complete_from timestamptz)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select (select max(last.judged_at) from ingest.shard s cross join lateral
                (select b.judged_at from ingest.batch b where b.shard = s.shard order by b.number desc limit 1) last),
           (select count(*) from ingest.rollup_dirty), (select count(*) from ingest.account_note),
           (select count(*) from equipment.stream_pending),
           (select count(*) from ingest.shard where owner is not null and lease_until > at),
           (select count(*) from ingest.unit_state where online), (select count(*) from ingest.unit_state where not online),
           (select count(*) from ingest.replay_request r join ingest.quarantine q on q.id = r.entry_id
            where q.replayed_at is null and r.failed_at is null),
           (select coalesce(sum(samples), 0) from ingest.quarantine where replayed_at is null),
           (select ran_at from ingest.upkeep_duty where duty = 'account'), h.accept_from, h.complete_from
    from ingest.horizon h
$$;
revoke all on function ingest.operating_figures(timestamptz) from public;
grant execute on function ingest.operating_figures(timestamptz) to teshe_scoped, teshe_system;

-- From where on samples are complete; says nothing of anybody.
create function ingest.complete_from() returns timestamptz
stable security definer set search_path = pg_catalog, pg_temp language sql as $$ select complete_from from ingest.horizon $$;
revoke all on function ingest.complete_from() from public;
grant execute on function ingest.complete_from() to teshe_scoped, teshe_system;

-- The account since the beginning, over all units.
create function ingest.account_total() returns table (
    received bigint, stored bigint, duplicates bigint, quarantined bigint, redelivered bigint, late bigint)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select coalesce(sum(received), 0)::bigint, coalesce(sum(stored), 0)::bigint, coalesce(sum(duplicates), 0)::bigint,
           coalesce(sum(quarantined), 0)::bigint, coalesce(sum(redelivered), 0)::bigint, coalesce(sum(late), 0)::bigint
    from ingest.hour_total
$$;
revoke all on function ingest.account_total() from public;
grant execute on function ingest.account_total() to teshe_scoped, teshe_system;
