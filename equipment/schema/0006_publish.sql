-- Everyone may add to a stream, nobody but the sequencer and its readers may look into it.
create function equipment.publish(stream_name text, entry_kind text, unit integer, entry jsonb, at timestamptz)
returns void security definer set search_path = pg_catalog, pg_temp language sql as $$
    insert into equipment.stream_pending (stream, kind, unit_no, payload, created_at)
    values (stream_name, entry_kind, unit, entry, at)
$$;
revoke all on function equipment.publish(text, text, integer, jsonb, timestamptz) from public;
grant execute on function equipment.publish(text, text, integer, jsonb, timestamptz) to teshe_scoped, teshe_system;
