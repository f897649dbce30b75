-- 来电事件拒收: an event of the call centre whose signature was right and whose content cannot be acted on is kept with its
-- reason; what comes over MQTT is kept with the gateway's other refusals. Whoever calls has checked who sent it.
create function alarms.refuse_call_event(way text, reason text, payload bytea, at timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    insert into alarms.call_event_refused (received_at, way, reason, payload) values (at, way, reason, payload)
$$;
revoke all on function alarms.refuse_call_event(text, text, bytea, timestamptz) from public;
grant execute on function alarms.refuse_call_event(text, text, bytea, timestamptz) to teshe_scoped, teshe_system;
