-- name: entries
select id, received_at, topic, unit_id, reason, detail, samples, length(payload), replayed_at
from ingest.quarantine
where (%(reason)s::text is null or reason = %(reason)s) and (%(unit_id)s::text is null or unit_id = %(unit_id)s)
  and (%(before)s::bigint is null or id < %(before)s)
order by id desc limit %(limit)s;

-- name: entry
select id, received_at, topic, unit_id, reason, detail, samples, length(payload), replayed_at, payload
from ingest.quarantine where id = %s;

-- name: reasons
select reason, sum(samples) from ingest.quarantine where replayed_at is null group by reason order by 2 desc;

-- name: mark_replayed
update ingest.quarantine set replayed_at = %s, replay_result = %s where id = %s and replayed_at is null;

-- name: request_replay
select ingest.request_replay(%s, %s);
