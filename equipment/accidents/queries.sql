-- name: insert
insert into equipment.accident (number, corrects, unit_no, kind, jurisdiction_id, occurred_at, reported_at, level, deaths,
    serious_injuries, trapped_minutes, loss_yuan, counted, not_counted_reason, narrative, recorded_by, recorded_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
returning id;

-- name: next_number
select equipment.next_accident_number(%s);

-- name: number_of
select number from equipment.accident where id = %s;

-- name: columns
select id, number, corrects, unit_no, kind, jurisdiction_id, occurred_at, reported_at, level, deaths, serious_injuries,
       trapped_minutes, loss_yuan::float8, counted, not_counted_reason, narrative
from equipment.accident_current;

-- name: between
where occurred_at >= %s and occurred_at < %s order by occurred_at, id;
