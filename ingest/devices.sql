-- name: sessions
select unit_no, session_id, online, online_cause, online_since, session_since, status_at from ingest.unit_state
where unit_no = any(%s) for no key update;

-- name: sessions_seen
select distinct unit_no, session_id from ingest.device_event
where (unit_no, session_id) in (select * from unnest(%s::int[], %s::text[]));

-- name: save_sessions
insert into ingest.unit_state (unit_no, online, session_id, status_at, online_cause, online_since, session_since)
select * from unnest(%s::int[], %s::bool[], %s::text[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::timestamptz[])
on conflict (unit_no) do update set online = excluded.online, session_id = excluded.session_id,
    status_at = greatest(unit_state.status_at, excluded.status_at), online_cause = excluded.online_cause,
    online_since = excluded.online_since, session_since = excluded.session_since;

-- name: insert_events
insert into ingest.device_event (unit_no, at, online, cause, session_id)
select * from unnest(%s::int[], %s::timestamptz[], %s::bool[], %s::text[], %s::text[]);

-- name: mark_silent
with limits as (select * from unnest(%(kinds)s::text[], %(seconds)s::float8[]) l(kind, seconds)),
silent as (
    update ingest.unit_state s
    set online = false, online_cause = 'silence',
        online_since = greatest(s.last_received_at, s.status_at) + make_interval(secs => l.seconds)
    from equipment.unit u left join limits l0 on l0.kind = u.kind
    cross join lateral (select coalesce(l0.seconds, %(other)s) as seconds) l
    where u.no = s.unit_no and s.online
      and greatest(s.last_received_at, s.status_at) < %(now)s - make_interval(secs => l.seconds)
    returning s.unit_no, s.online_since, s.session_id)
insert into ingest.device_event (unit_no, at, online, cause, session_id)
select unit_no, online_since, false, 'silence', session_id from silent;

-- name: mark_heard
with limits as (select * from unnest(%(kinds)s::text[], %(seconds)s::float8[]) l(kind, seconds)),
heard as (
    update ingest.unit_state s set online = true, online_cause = 'heard', online_since = s.last_received_at
    from equipment.unit u left join limits l0 on l0.kind = u.kind
    cross join lateral (select coalesce(l0.seconds, %(other)s) as seconds) l
    where u.no = s.unit_no and s.online is not true and s.last_received_at >= %(now)s - make_interval(secs => l.seconds)
      -- what the terminal sent before it said good-bye may arrive a little after it
      and (s.online is null or s.online_cause = 'silence' or s.status_at is null
           or s.last_received_at > s.status_at + make_interval(secs => %(grace)s))
    returning s.unit_no, s.online_since, s.session_id)
insert into ingest.device_event (unit_no, at, online, cause, session_id)
select unit_no, online_since, true, 'heard', session_id from heard;

-- name: history
select at, online, cause, session_id from ingest.device_event where unit_no = %s order by id desc limit %s;
