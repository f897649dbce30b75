-- name: insert_marks
insert into ingest.rollup_dirty (level, kind, buckets) select %s, * from unnest(%s::text[], %s::bytea[]);

-- name: repeatable_read
set transaction isolation level repeatable read;

-- name: take_turn
lock table ingest.horizon in share row exclusive mode;

-- name: take_marks
with taken as (delete from ingest.rollup_dirty where id in (
    select id from ingest.rollup_dirty where level = %s order by id limit %s) returning kind, buckets)
select kind, array_agg(buckets), count(*) from taken group by kind order by kind;

-- name: see_marks
select kind, array_agg(buckets), array_agg(id)
from (select id, kind, buckets from ingest.rollup_dirty where level = %s order by id limit %s) seen group by kind order by kind;

-- name: forget_marks
delete from ingest.rollup_dirty where id = any(%s);

-- name: complete_from
select (extract(epoch from complete_from) / 60)::bigint from ingest.horizon;

-- name: refresh_aggregate
call refresh_continuous_aggregate(%s::regclass, %s::timestamptz, %s::timestamptz);

-- name: is_aggregate
select c.relkind = 'v' from pg_class c where c.oid = %s::regclass;
