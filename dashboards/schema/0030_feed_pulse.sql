-- Whether the live feed can be believed: the oldest message that has no number yet, and the oldest numbered one that
-- the desk's consumers have not taken. Both null: everything that was committed has been told.
create function dashboards.feed_pulse() returns table (waiting_since timestamptz, behind_since timestamptz)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select (select min(oldest.created_at)
            from unnest(array['desk', 'alarms', 'calls']) as s (stream)
            cross join lateral (select p.created_at from equipment.stream_pending p
                                where p.stream = s.stream order by p.id limit 1) oldest),
           (select min(next.created_at)
            from equipment.stream_cursor c
            cross join lateral (select e.created_at from equipment.stream_entry e
                                where e.stream = c.stream and e.seq > c.seq order by e.seq limit 1) next
            where c.consumer = 'incidents')
$$;
revoke all on function dashboards.feed_pulse() from public;
grant execute on function dashboards.feed_pulse() to teshe_scoped, teshe_system;
