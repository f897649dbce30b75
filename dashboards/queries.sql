-- name: feed_head
select dashboards.feed_head(%s);

-- name: read_feed
select seq, kind, unit_no, payload, created_at, jurisdiction_path, firm_org_id, use_org_id, ordered
from dashboards.read_feed(%s, %s, %s);

-- name: feed_pulse
select dashboards.feed_head(%s), p.waiting_since, p.behind_since from dashboards.feed_pulse() p;

-- name: known_browser_state
select failed_attempts, locked_until from dashboards.known_browser_state(%s);

-- name: note_known_browser
select dashboards.note_known_browser(%s, %s, %s, %s, %s);
