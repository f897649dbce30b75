-- One read of the numbered feed for all live clients of a web process. The caller filters by
-- the visibility columns; they are what the policy on equipment.unit compares.
create function dashboards.read_feed(wanted text, after bigint, most integer)
returns table (seq bigint, kind text, unit_no integer, payload jsonb, created_at timestamptz,
               jurisdiction_path text, firm_org_id bigint, use_org_id bigint)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select e.seq, e.kind, e.unit_no, e.payload, e.created_at, u.jurisdiction_path, u.firm_org_id, u.use_org_id
    from equipment.stream_entry e
    left join equipment.unit u on u.no = e.unit_no
    where e.stream = wanted and e.seq > after
    order by e.seq
    limit most
$$;
create function dashboards.feed_head(wanted text) returns bigint
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select coalesce((select h.seq from equipment.stream_head h where h.stream = wanted), 0)
$$;
revoke all on function dashboards.read_feed(text, bigint, integer), dashboards.feed_head(text) from public;
grant execute on function dashboards.read_feed(text, bigint, integer), dashboards.feed_head(text) to teshe_scoped, teshe_system;
