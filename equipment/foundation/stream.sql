-- name: publish
select equipment.publish(%s, %s, %s, %s, %s);

-- name: sequence
with taken as (
    delete from equipment.stream_pending p
    where p.id in (
        select id from equipment.stream_pending where stream = %(stream)s order by id limit %(batch)s
    )
    returning p.id, p.unit_no, p.kind, p.payload, p.created_at
), head as (
    insert into equipment.stream_head (stream, seq)
    select %(stream)s, count(*) from taken having count(*) > 0
    on conflict (stream) do update set seq = stream_head.seq + excluded.seq
    returning seq
), numbered as (
    insert into equipment.stream_entry (stream, seq, unit_no, kind, payload, created_at, sequenced_at)
    select %(stream)s,
           (select seq from head) - (select count(*) from taken) + row_number() over (order by id),
           unit_no, kind, payload, created_at, %(now)s
    from taken
    returning 1
)
select count(*) from numbered;

-- name: waiting
select distinct stream from equipment.stream_pending;

-- name: read_after
select seq, kind, unit_no, payload, created_at
from equipment.stream_entry
where stream = %s and seq > %s
order by seq
limit %s;

-- name: head
select seq from equipment.stream_head where stream = %s;

-- name: ensure_cursor
insert into equipment.stream_cursor (consumer, stream) values (%s, %s) on conflict do nothing;

-- name: lock_cursor
select seq from equipment.stream_cursor where consumer = %s and stream = %s for update;

-- name: advance
update equipment.stream_cursor set seq = greatest(seq, %s) where consumer = %s and stream = %s;
