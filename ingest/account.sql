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

-- name: total
select received, stored, duplicates, quarantined, redelivered, late from ingest.account_total();

-- name: by_hour
select hour, received, stored, duplicates, quarantined, redelivered, late
from ingest.hour_total where hour >= date_trunc('hour', %(since)s::timestamptz) and %(unit)s::text is null
union all
select h.hour, h.received, h.stored, h.duplicates, h.quarantined, h.redelivered, h.late
from ingest.unit_hour h join equipment.unit u on u.no = h.unit_no
where h.hour >= date_trunc('hour', %(since)s::timestamptz) and u.id = %(unit)s
order by 1;

-- name: by_device
select u.id, h.received, h.stored, h.duplicates, h.quarantined, h.redelivered, h.late, h.unusable,
       coalesce(g.missing, 0), coalesce(g.open, 0), s.restarts, s.filled
from (select unit_no, sum(received) as received, sum(stored) as stored, sum(duplicates) as duplicates,
             sum(quarantined) as quarantined, sum(redelivered) as redelivered, sum(late) as late,
             sum(unusable_clock) as unusable
      from ingest.unit_hour where hour >= date_trunc('hour', %(since)s::timestamptz) group by unit_no) h
left join equipment.unit u on u.no = h.unit_no
left join ingest.seq_state s on s.unit_no = h.unit_no
left join lateral (select sum(last_seq - first_seq + 1) as missing, count(*) as open from ingest.seq_gap g
                   where g.unit_no = h.unit_no and g.noticed_at >= %(since)s and g.noticed_at < %(settled)s) g on true
where (%(unit)s::text is null or u.id = %(unit)s)
order by coalesce(g.missing, 0) desc, h.quarantined desc, h.received desc limit %(most)s;

-- name: gaps
select u.id, g.first_seq, g.last_seq, g.noticed_at, g.before_at, g.after_at
from ingest.seq_gap g join equipment.unit u on u.no = g.unit_no
where g.noticed_at >= %(since)s and g.noticed_at < %(settled)s and (%(unit)s::text is null or u.id = %(unit)s)
order by g.noticed_at desc, g.after_at desc, g.first_seq desc limit %(most)s;

-- name: gap_totals
select count(distinct unit_no), count(*), coalesce(sum(last_seq - first_seq + 1), 0)
from ingest.seq_gap where noticed_at >= %(since)s and noticed_at < %(settled)s;

-- name: figures
select last_batch_at, dirty_markers, account_notes, stream_pending, shards_owned, devices_online, devices_offline,
       replays_waiting, quarantine_waiting, upkeep_ran_at, accept_from, complete_from
from ingest.operating_figures(%s);

-- name: duties
select duty, ran_at, seconds, done, failed_at, failure from ingest.upkeep_duty order by duty;
