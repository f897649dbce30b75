-- name: find_unit
select no, id from equipment.unit
where rescue_code = %s or id = %s or registration_code = %s order by no limit 1;

-- name: all_units
select no, id, rescue_code, registration_code from equipment.unit;

-- name: known_call
select id, content_sha256 from ingest.call_record where source = %s and external_id = %s for update;

-- name: upsert_call
insert into ingest.call_record (source, external_id, unit_no, rescue_code, category, place, address, caller_phone, trapped,
    injured, suspected_dead, medical_rescue, major_incident, cause_code, description, reported_at, dispatched_at, arrived_at,
    freed_at, called_back_at, closed_at, historical, content_sha256, entered_by, received_at)
values (%(source)s, %(external_id)s, %(unit_no)s, %(rescue_code)s, %(category)s, %(place)s, %(address)s, %(caller_phone)s,
    %(trapped)s, %(injured)s, %(suspected_dead)s, %(medical_rescue)s, %(major_incident)s, %(cause_code)s, %(description)s,
    %(reported_at)s, %(dispatched_at)s, %(arrived_at)s, %(freed_at)s, %(called_back_at)s, %(closed_at)s, %(historical)s,
    %(content_sha256)s, %(entered_by)s, %(now)s)
on conflict (source, external_id) do update set
    unit_no = excluded.unit_no, rescue_code = excluded.rescue_code, category = excluded.category, place = excluded.place,
    address = excluded.address, caller_phone = excluded.caller_phone, trapped = excluded.trapped,
    injured = excluded.injured, suspected_dead = excluded.suspected_dead, medical_rescue = excluded.medical_rescue,
    major_incident = excluded.major_incident, cause_code = excluded.cause_code, description = excluded.description,
    reported_at = excluded.reported_at, dispatched_at = excluded.dispatched_at, arrived_at = excluded.arrived_at,
    freed_at = excluded.freed_at, called_back_at = excluded.called_back_at, closed_at = excluded.closed_at,
    historical = excluded.historical, content_sha256 = excluded.content_sha256
returning id;
