-- A worker that fell asleep in the middle of a COPY holds its lease rows, and no time-out of the server ends that: while it
-- waits for a client's rows it heeds nothing but being terminated. Who lacks shards ends such a session; nothing is lost,
-- what it had not committed the broker sends again. The owner needs pg_monitor and pg_signal_backend if it is no superuser.
create function ingest.end_sleepers(longer_than interval) returns integer
security definer set search_path = pg_catalog, pg_temp language sql as $$
    select count(*) filter (where pg_terminate_backend(a.pid))::integer from pg_stat_activity a
    where a.datname = current_database() and a.application_name = 'teshe-worker' and a.pid <> pg_backend_pid()
      and a.state = 'active' and a.wait_event = 'ClientRead' and a.query_start < clock_timestamp() - longer_than
$$;
revoke all on function ingest.end_sleepers(interval) from public;
grant execute on function ingest.end_sleepers(interval) to teshe_system;
