-- name: known_lines
select line from ingest.broker_violation where at = any(%s) and line = any(%s);

-- name: insert_violation
insert into ingest.broker_violation (at, client, unit_id, unit_no, topic, line)
select v.at, v.client, v.unit_id, u.no, v.topic, v.line
from unnest(%s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[]) as v (at, client, unit_id, topic, line)
left join equipment.unit u on u.id = v.unit_id;
