-- Items of many records at once. Whose record it is is asked once per record, not once per item.
create function maintenance.add_record_items(record_ids uuid[], item_ids text[], results text[], item_values float8[], notes text[])
returns void volatile security definer set search_path = pg_catalog, pg_temp language sql as $$
    insert into maintenance.record_item (record_id, item_id, unit_no, result, value, note)
    select i.record_id, i.item_id, r.unit_no, i.result, i.value, i.note
    from unnest(record_ids, item_ids, results, item_values, notes) as i(record_id, item_id, result, value, note)
    join maintenance.record r on r.id = i.record_id
    where equipment.scope_kind() = 'firm' and r.firm_org_id = equipment.scope_organisation()
$$;
revoke all on function maintenance.add_record_items(uuid[], text[], text[], float8[], text[]) from public;
grant execute on function maintenance.add_record_items(uuid[], text[], text[], float8[], text[]) to teshe_scoped;
revoke insert on maintenance.record_item from teshe_scoped;
