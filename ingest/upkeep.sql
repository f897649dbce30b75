-- name: note_duty
insert into ingest.upkeep_duty (duty, ran_at, seconds, done) values (%s, %s, %s, %s)
on conflict (duty) do update set ran_at = excluded.ran_at, seconds = excluded.seconds, done = excluded.done,
    failed_at = null, failure = null;

-- name: note_failure
insert into ingest.upkeep_duty (duty, ran_at, seconds, done, failed_at, failure) values (%(duty)s, %(now)s, 0, 0, %(now)s, %(failure)s)
on conflict (duty) do update set failed_at = excluded.failed_at, failure = excluded.failure;

-- name: replays_asked
select r.entry_id from ingest.replay_request r join ingest.quarantine q on q.id = r.entry_id
where q.replayed_at is null and r.failed_at is null order by r.requested_at limit 100;

-- name: replay_failed
update ingest.replay_request set failed_at = %s, failure = %s where entry_id = %s;
