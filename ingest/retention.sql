-- name: accept_from
lock table ingest.horizon in row share mode;
select (extract(epoch from accept_from) * 1000000)::bigint from ingest.horizon;

-- name: stop_writers
lock table ingest.horizon in exclusive mode;

-- name: accept_later
update ingest.horizon set accept_from = %(cutoff)s, moved_at = %(now)s where accept_from < %(cutoff)s;

-- name: complete_later
update ingest.horizon set complete_from = accept_from where complete_from < accept_from;

-- name: take_turn
lock table ingest.horizon in share row exclusive mode;

-- name: horizon
select accept_from, complete_from from ingest.horizon;

-- name: drop_chunks
select ingest.drop_chunks_between(%s::regclass, %s, %s, %s);

-- name: drop_batches
delete from ingest.batch where (shard, number) in (
    select b.shard, b.number from ingest.batch b join ingest.shard s on s.shard = b.shard
    where b.judged_at < %(cutoff)s and b.number < s.next_batch - %(kept)s order by b.judged_at limit %(most)s);

-- name: drop_unit_hours
delete from ingest.unit_hour where (unit_no, hour) in (
    select unit_no, hour from ingest.unit_hour where hour < %s limit %s);
