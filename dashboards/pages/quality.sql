-- name: replay_request
select r.requested_at, r.failed_at, r.failure, a.display_name as asked_by
from ingest.replay_request r left join equipment.account a on a.id = r.requested_by where r.entry_id = %s;

-- name: violations
select v.at, v.client, v.unit_id, v.topic from ingest.broker_violation v where v.at >= %s order by v.id desc limit 20;

-- name: unusable_clocks
select u.id, u.name, sum(h.unusable_clock) as samples, max(h.hour) as last_hour
from ingest.unit_hour h join equipment.unit u on u.no = h.unit_no
where h.hour >= %s and h.unusable_clock > 0 group by u.id, u.name order by samples desc limit 20;
