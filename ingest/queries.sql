-- name: hold_leases
select shard, next_batch from ingest.shard
where shard = any(%s) and owner = %s and epoch = any(%s) for key share;

-- name: take_batches
update ingest.shard set next_batch = next_batch + 1 where shard = any(%s) returning shard, next_batch - 1;

-- name: insert_batch
insert into ingest.batch (shard, number, epoch, judged_at, rule_set, fold, received, stored, duplicates, quarantined, redelivered, late)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: insert_quarantine
insert into ingest.quarantine (shard, batch, received_at, topic, unit_id, unit_no, channel, ts, seq, reason, detail,
    samples, payload, payload_hash, position)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: insert_code
insert into ingest.code_event (unit_no, ts, channel, seq, position, code_list, code, canonical, server_time, received_at, shard, batch, flags)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict do nothing;

-- name: upsert_state
insert into ingest.unit_state (unit_no, last_ts, last_server_time, last_received_at, last_seq, clock_offset_ms, clock_stable)
select * from unnest(%s::int[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::float8[], %s::bool[])
on conflict (unit_no) do update set
    last_ts = greatest(unit_state.last_ts, excluded.last_ts),
    last_server_time = greatest(unit_state.last_server_time, excluded.last_server_time),
    last_received_at = greatest(unit_state.last_received_at, excluded.last_received_at),
    last_seq = excluded.last_seq, clock_offset_ms = excluded.clock_offset_ms, clock_stable = excluded.clock_stable;

-- name: steady_clocks
select unit_no, clock_offset_ms from ingest.unit_state where clock_stable and clock_offset_ms is not null;

-- name: ensure_shard
insert into ingest.shard (shard, client_id) values (%s, %s) on conflict (shard) do nothing;

-- name: shard_clients
select shard, client_id from ingest.shard order by shard;

-- name: free_shards
select shard from ingest.shard
where owner is null or lease_until < %s order by shard for update skip locked;

-- name: take_lease
update ingest.shard set owner = %s, epoch = epoch + 1, lease_until = %s where shard = %s returning epoch;

-- name: renew_leases
update ingest.shard set lease_until = %s where owner = %s and shard = any(%s) and epoch = any(%s) returning shard;

-- name: release_leases
update ingest.shard set owner = null, lease_until = null where owner = %s;

-- name: quarantined_already
select 1 from ingest.quarantine where payload_hash = %s and topic = %s and position = %s limit 1;
