-- name: delivery
select coalesce(sum(received), 0), coalesce(sum(stored), 0), coalesce(sum(duplicates), 0), coalesce(sum(quarantined), 0),
       coalesce(sum(redelivered), 0), coalesce(sum(late), 0)
from ingest.batch where judged_at >= %s;

-- name: delivery_by_shard
select shard, sum(received), sum(stored), sum(duplicates), sum(quarantined), sum(redelivered), sum(late)
from ingest.batch where judged_at >= %s group by shard order by shard;

-- name: unit_numbers
select id, no from equipment.unit where id = any(%s);

-- name: quarantined
select payload_hash, sum(samples) from ingest.quarantine where payload_hash = any(%s) group by payload_hash;

-- name: make_wanted
create temporary table wanted_key (unit_no integer, ts timestamptz, channel smallint, seq bigint);

-- name: copy_wanted
copy pg_temp.wanted_key (unit_no, ts, channel, seq) from stdin;

-- name: present
select w.unit_no, (extract(epoch from w.ts) * 1000000)::bigint, w.channel, w.seq
from ingest.reading_kind r join pg_temp.wanted_key w on r.unit_no = w.unit_no and r.ts = w.ts and r.channel = w.channel and r.seq = w.seq
where w.ts between (select min(ts) from pg_temp.wanted_key) and (select max(ts) from pg_temp.wanted_key);
