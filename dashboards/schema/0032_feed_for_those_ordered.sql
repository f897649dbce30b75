-- Whoever was ordered to an incident hears of it, also where the lift is another firm's, or not found yet.
drop function dashboards.read_feed(text, bigint, integer);
create function dashboards.read_feed(wanted text, after bigint, most integer)
returns table (seq bigint, kind text, unit_no integer, payload jsonb, created_at timestamptz,
               jurisdiction_path text, firm_org_id bigint, use_org_id bigint, ordered bigint[])
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select e.seq, e.kind, e.unit_no, e.payload, e.created_at, u.jurisdiction_path, u.firm_org_id, u.use_org_id,
           coalesce((select array_agg(distinct d.organisation_id) from alarms.dispatch d
                     where d.incident_id = case when jsonb_typeof(e.payload -> 'incident_id') = 'number'
                                                then (e.payload ->> 'incident_id')::bigint end
                       and d.organisation_id is not null), '{}')
    from equipment.stream_entry e
    left join equipment.unit u on u.no = e.unit_no
    where e.stream = wanted and e.seq > after
    order by e.seq
    limit most
$$;
revoke all on function dashboards.read_feed(text, bigint, integer) from public;
grant execute on function dashboards.read_feed(text, bigint, integer) to teshe_scoped, teshe_system;
