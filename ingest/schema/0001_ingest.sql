grant usage on schema ingest to teshe_system, teshe_scoped;

-- One persistent broker session per shard; whoever holds the lease drives it.
create table ingest.shard (
    shard smallint primary key check (shard between 0 and 15),
    client_id text not null unique,          -- carries a random 128-bit secret
    owner text,
    epoch bigint not null default 0,
    lease_until timestamptz,
    next_batch bigint not null default 1
);

-- 批次日志: the order in which samples were judged, and the delivery account.
create table ingest.batch (
    shard smallint not null references ingest.shard,
    number bigint not null,
    epoch bigint not null,
    judged_at timestamptz not null,          -- the `now` the rules saw
    rule_set text not null,
    -- now: judged at once; later: stored while a taken-over shard settles; backlog: judges what was stored as later
    fold text not null check (fold in ('now', 'later', 'backlog')),
    received integer not null,
    stored integer not null,
    duplicates integer not null,
    quarantined integer not null,
    redelivered integer not null,
    late integer not null,
    primary key (shard, number),
    check (received = stored + duplicates + quarantined + redelivered)
);
create index batch_by_time on ingest.batch (judged_at);

-- 隔离区: nothing is discarded.
create table ingest.quarantine (
    id bigint generated always as identity primary key,
    shard smallint not null,
    batch bigint not null,
    received_at timestamptz not null,
    topic text not null,
    unit_id text,
    unit_no integer,
    channel text,
    ts timestamptz,
    seq bigint,
    reason text not null,
    detail text not null,
    samples integer not null default 1,
    payload bytea not null,
    payload_hash bigint not null,
    position integer not null default 0,      -- index of the sample inside an array message
    replayed_at timestamptz,
    replay_result text
);
create index quarantine_by_time on ingest.quarantine (received_at desc);
create index quarantine_by_hash on ingest.quarantine (payload_hash);
create index quarantine_by_reason on ingest.quarantine (reason, id desc);

-- 最新状态 of a unit's terminal: clocks, session, online.
create table ingest.unit_state (
    unit_no integer primary key,
    last_ts timestamptz,
    last_server_time timestamptz,
    last_received_at timestamptz,
    last_seq bigint,
    clock_offset_ms double precision,
    clock_stable boolean not null default false,
    online boolean,
    session_id text,
    status_at timestamptz
);

-- 故障代码事件: a code is meaningless without its list.
-- @time-partitioned ingest.code_event ts 7 days
create table ingest.code_event (
    unit_no integer not null,
    ts timestamptz not null,
    channel smallint not null,
    seq bigint not null,
    position smallint not null,
    code_list text not null,
    code text not null,
    canonical text,                            -- null: unmapped, kept and shown
    server_time timestamptz not null,
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,
    primary key (unit_no, ts, channel, seq, position)
);

-- 96366 接警记录.
create table ingest.call_record (
    id bigint generated always as identity primary key,
    source text not null,                      -- seat, csv, api, mqtt
    external_id text not null,                 -- 工单编号
    unit_no integer,
    rescue_code text,
    category text not null check (category in ('entrapment', 'fault', 'complaint', 'consultation', 'self_release', 'false_alarm', 'other')),
    place text not null default '',
    address text not null default '',
    caller_phone text,
    trapped integer check (trapped >= 0),
    injured integer check (injured >= 0),
    suspected_dead integer check (suspected_dead >= 0),
    medical_rescue boolean not null default false,
    major_incident boolean not null default false,
    cause_code text,
    description text not null default '',
    reported_at timestamptz not null,          -- 报警
    dispatched_at timestamptz,                 -- 派单
    arrived_at timestamptz,                    -- 到达
    freed_at timestamptz,                      -- 解救
    called_back_at timestamptz,                -- 回访
    closed_at timestamptz,                     -- 办结
    historical boolean not null default false, -- 历史导入
    content_sha256 bytea not null,
    entered_by bigint,
    received_at timestamptz not null,
    unique (source, external_id)
);
create index call_by_unit on ingest.call_record (unit_no, reported_at desc);
create index call_by_time on ingest.call_record (reported_at desc);

grant select, insert, update, delete on all tables in schema ingest to teshe_system;
call equipment.protect('ingest.quarantine', 'equipment.scope_kind() = ''jurisdiction'' and equipment.scope_path() = ''/341300/''');
call equipment.protect('ingest.batch', 'equipment.scope_kind() = ''jurisdiction''');
call equipment.protect('ingest.unit_state', 'exists (select 1 from equipment.unit u where u.no = unit_no)');
call equipment.protect('ingest.call_record',
    '(unit_no is null and equipment.scope_role() in (''desk'', ''regulator'', ''auditor'')) or exists (select 1 from equipment.unit u where u.no = call_record.unit_no)',
    'select, insert, update');
