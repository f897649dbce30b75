-- Every record that a seal names, also for a reader who sees only some of them: without all, nobody can check the seal. Ids and
-- salted commitments say nothing of a record.
create function maintenance.day_seal_named(seal uuid) returns table (record_id uuid, commitment bytea)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select d.record_id, d.commitment from maintenance.day_seal_record d
    where d.seal_id = seal and equipment.scope_kind() is not null
$$;
revoke all on function maintenance.day_seal_named(uuid) from public;
grant execute on function maintenance.day_seal_named(uuid) to teshe_scoped;
