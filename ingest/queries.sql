-- name: hold_leases
select s.shard from ingest.shard s join unnest(%s::int[], %s::bigint[]) held (shard, epoch) using (shard)
where s.owner = %s and s.epoch = held.epoch order by s.shard for key share of s;

-- name: take_batches
update ingest.shard s set next_batch = next_batch + 1
from unnest(%s::int[], %s::bigint[]) held (shard, epoch)
where s.shard = held.shard and s.owner = %s and s.epoch = held.epoch returning s.shard, s.next_batch - 1;

-- name: insert_batches
insert into ingest.batch (judged_at, rule_set, shard, number, epoch, received, stored, duplicates, quarantined, redelivered, late)
select %s, %s, b.* from unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[]) b;

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
select unit_no, 'epoch'::timestamptz + ts * interval '1 us', 'epoch'::timestamptz + server * interval '1 us',
       'epoch'::timestamptz + received * interval '1 us', seq, offset_ms, stable
from unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::float8[], %s::bool[])
    s (unit_no, ts, server, received, seq, offset_ms, stable)
on conflict (unit_no) do update set
    last_ts = greatest(unit_state.last_ts, excluded.last_ts),
    last_server_time = greatest(unit_state.last_server_time, excluded.last_server_time),
    last_received_at = greatest(unit_state.last_received_at, excluded.last_received_at),
    last_seq = excluded.last_seq, clock_offset_ms = excluded.clock_offset_ms, clock_stable = excluded.clock_stable;

-- name: newest_times
select unit_no, (extract(epoch from last_ts) * 1000000)::bigint from ingest.unit_state where last_ts is not null;

-- name: steady_clocks
select unit_no, clock_offset_ms from ingest.unit_state where clock_stable and clock_offset_ms is not null;

-- name: ensure_shard
insert into ingest.shard (shard, client_id) values (%s, %s) on conflict (shard) do nothing;

-- name: shard_clients
select shard, client_id from ingest.shard order by shard;

-- name: say_alive
select pg_advisory_lock_shared(hashtext('ingest.worker'), hashtext(%s));

-- name: shard_owners
select distinct owner from ingest.shard where owner is not null;

-- name: free_shards
select shard from ingest.shard s
where owner is null or lease_until < %s or (owner = any(%s) and not exists (
    select from pg_locks l where l.locktype = 'advisory' and l.objsubid = 2 and l.granted
      and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = hashtext('ingest.worker')::oid and l.objid = hashtext(s.owner)::oid
)) order by shard for update skip locked;

-- name: take_lease
update ingest.shard set owner = %s, epoch = epoch + 1, lease_until = %s where shard = %s returning epoch;

-- name: renew_leases
update ingest.shard s set lease_until = %s
from unnest(%s::int[], %s::bigint[]) held (shard, epoch)
where s.shard = held.shard and s.owner = %s and s.epoch = held.epoch returning s.shard;

-- name: release_leases
update ingest.shard set owner = null, lease_until = null where owner = %s;

-- name: quarantined_already
select 1 from ingest.quarantine where payload_hash = %s and topic = %s and position = %s limit 1;

-- name: registry_state
select count(*), max(no), max(changed_at) from equipment.unit;

-- name: end_sleepers
select ingest.end_sleepers(%s);
