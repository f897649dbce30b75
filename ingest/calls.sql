-- name: unit_by_plate
select no, id from equipment.unit where rescue_code = %s;

-- name: unit_by_id
select no, id from equipment.unit where id = %s;

-- name: all_units
select no, id, certificate_no, registration_code, name, place_name, building, entrance, address from equipment.unit
where kind in ('lift', 'escalator') order by no;

-- name: known_call
select c.id, c.content_sha256, c.reported_at, c.link, u.id from ingest.call_record c
left join equipment.unit u on u.no = c.unit_no
where c.source = %s and c.external_id = %s for update of c;

-- name: upsert_call
insert into ingest.call_record (source, external_id, unit_no, link, candidates, rescue_code, certificate_no, registration_code,
    category, subcategory, place, project, address, use_unit_name, firm_name, caller_phone, trapped, injured, suspected_dead,
    medical_rescue, major_incident, cause_code, cause_text, release_mode, description, reported_at, dispatched_at, arrived_at,
    freed_at, called_back_at, closed_at, historical, content_sha256, entered_by, received_at)
values (%(source)s, %(external_id)s, %(unit_no)s, %(link)s, %(candidates)s, %(rescue_code)s, %(certificate_no)s,
    %(registration_code)s, %(category)s, %(subcategory)s, %(place)s, %(project)s, %(address)s, %(use_unit_name)s, %(firm_name)s,
    %(caller_phone)s, %(trapped)s, %(injured)s, %(suspected_dead)s, %(medical_rescue)s, %(major_incident)s, %(cause_code)s,
    %(cause_text)s, %(release_mode)s, %(description)s, %(reported_at)s, %(dispatched_at)s, %(arrived_at)s, %(freed_at)s,
    %(called_back_at)s, %(closed_at)s, %(historical)s, %(content_sha256)s, %(entered_by)s, %(now)s)
on conflict (source, external_id) do update set
    -- what a person chose stands, unless the source now names a lift itself
    unit_no = case when call_record.link = 'chosen' and excluded.unit_no is null then call_record.unit_no else excluded.unit_no end,
    link = case when call_record.link = 'chosen' and excluded.unit_no is null then call_record.link else excluded.link end,
    candidates = excluded.candidates, rescue_code = excluded.rescue_code, certificate_no = excluded.certificate_no,
    registration_code = excluded.registration_code, category = excluded.category, subcategory = excluded.subcategory,
    place = excluded.place, project = excluded.project, address = excluded.address, use_unit_name = excluded.use_unit_name,
    firm_name = excluded.firm_name, caller_phone = excluded.caller_phone, trapped = excluded.trapped,
    injured = excluded.injured, suspected_dead = excluded.suspected_dead, medical_rescue = excluded.medical_rescue,
    major_incident = excluded.major_incident, cause_code = excluded.cause_code, cause_text = excluded.cause_text,
    release_mode = excluded.release_mode, description = excluded.description, reported_at = excluded.reported_at,
    dispatched_at = excluded.dispatched_at, arrived_at = excluded.arrived_at, freed_at = excluded.freed_at,
    called_back_at = excluded.called_back_at, closed_at = excluded.closed_at, historical = excluded.historical,
    content_sha256 = excluded.content_sha256
returning id;

-- name: call_for_choice
select id, link, candidates, reported_at, category, trapped, injured, source, historical from ingest.call_record
where id = %s for update;

-- name: choose_unit
update ingest.call_record set unit_no = %s, link = 'chosen' where id = %s;

-- name: series
select date_trunc(%(bucket)s, reported_at, 'Asia/Shanghai') as at, count(*),
       count(*) filter (where category = 'entrapment'), coalesce(sum(trapped) filter (where category = 'entrapment'), 0)
from ingest.call_times where reported_at >= %(since)s and reported_at < %(until)s
group by 1 order by 1;

-- name: durations
select count(*), count(*) filter (where historical), count(arrival_seconds), avg(arrival_seconds),
       count(*) filter (where arrival_seconds > 1800), count(rescue_seconds), avg(rescue_seconds)
from ingest.call_times where reported_at >= %(since)s and reported_at < %(until)s
  and (%(category)s::text is null or category = %(category)s);
