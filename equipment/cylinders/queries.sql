-- name: is_station
select 1 from equipment.filling_station where organisation_id = %s;

-- name: insert_station
insert into equipment.filling_station (organisation_id, registered_at) values (%s, %s) on conflict do nothing;

-- name: organisation_kind
select kind from equipment.organisation where id = %s;

-- name: stations
select s.organisation_id, o.name, j.name_zh, j.name_en,
       (select max(l.valid_to) from equipment.filling_licence l
        where l.station_id = s.organisation_id and l.valid_from <= %(today)s and (l.revoked_on is null or l.revoked_on > %(today)s)),
       (select max(p.valid_to) from equipment.filling_policy p
        where p.station_id = s.organisation_id and p.valid_from <= %(today)s)
from equipment.filling_station s
join equipment.organisation o on o.id = s.organisation_id
join equipment.jurisdiction j on j.id = o.jurisdiction_id
order by o.name;

-- name: insert_licence
insert into equipment.filling_licence (station_id, licence_no, media, valid_from, valid_to, recorded_at)
values (%s, %s, %s, %s, %s, %s) returning id;

-- name: revoke_licence
update equipment.filling_licence set revoked_on = %s
where id = %s and station_id = %s and (revoked_on is null or revoked_on > %s);

-- name: licences
select id, station_id, licence_no, media, valid_from, valid_to, revoked_on
from equipment.filling_licence where station_id = %s order by valid_to, id;

-- name: insert_policy
insert into equipment.filling_policy (station_id, policy_no, insurer, limit_yuan, valid_from, valid_to, recorded_at)
values (%s, %s, %s, %s, %s, %s, %s) returning id;

-- name: policies
select id, station_id, policy_no, insurer, limit_yuan::float8, valid_from, valid_to
from equipment.filling_policy where station_id = %s order by valid_to desc, id desc;

-- name: register
insert into equipment.cylinder (station_id, code, maker_code, serial, make_date, variety_code, medium, volume_l,
    nominal_pressure_mpa, tare_kg, max_fill_kg, certificate_no, last_inspection, next_inspection, scrap_date, state,
    state_since, registered_at, changed_at)
select %(station)s, r.code, r.maker_code, r.serial, r.make_date, r.variety_code, r.medium, r.volume_l,
       r.nominal_pressure_mpa, r.tare_kg, r.max_fill_kg, r.certificate_no, r.last_inspection, r.next_inspection,
       r.scrap_date, 'empty', %(now)s, %(now)s, %(now)s
from jsonb_to_recordset(%(entries)s) as r (code text, maker_code text, serial text, make_date date, variety_code text,
    medium text, volume_l real, nominal_pressure_mpa real, tare_kg real, max_fill_kg real, certificate_no text,
    last_inspection date, next_inspection date, scrap_date date)
on conflict do nothing
returning maker_code, serial;

-- name: own_by_serial
select maker_code, serial, code from equipment.cylinder
where (maker_code, serial) in (select * from unnest(%s::text[], %s::text[])) and station_id = %s;

-- name: for_fill
select no, station_id, code, variety_code, medium, make_date, tare_kg, max_fill_kg, next_inspection, scrap_date, state,
       last_fill_at
from equipment.cylinders_for_fill(%s);

-- name: known_fills
select cylinder_no, filled_at, content from equipment.known_fills(%s, %s);

-- name: keep_fills
select equipment.keep_fills(%s);

-- name: keep_events
select equipment.keep_cylinder_events(%s);

-- name: after_fills
update equipment.cylinder c
set state = s.state, state_since = s.filled_at, last_fill_at = s.filled_at, changed_at = %(now)s
from jsonb_to_recordset(%(states)s) as s (no integer, state text, filled_at timestamptz)
where c.no = s.no;

-- name: insert_refusals
insert into equipment.cylinder_refusal (at, recorded_at, station_id, cylinder_no, code, stage, medium, reasons, clause,
    account_id, record, judged)
select r.at, %(now)s, %(station)s, r.cylinder_no, r.code, %(stage)s, r.medium, r.reasons, r.clause, %(account)s, r.record,
       r.judged
from jsonb_to_recordset(%(entries)s) as r (at timestamptz, cylinder_no integer, code text, medium text, reasons text[],
    clause text, record jsonb, judged jsonb);

-- name: batch_answer
select content, answer from equipment.fill_batch where station_id = %s and idempotency_key = %s;

-- name: keep_batch
insert into equipment.fill_batch (station_id, idempotency_key, content, answer, received_at) values (%s, %s, %s, %s, %s);

-- name: forget_batches
delete from equipment.fill_batch where received_at < %s;

-- name: erase_deliveries
delete from equipment.cylinder_delivery where at < %s;

-- name: drop_traces
select equipment.drop_cylinder_traces(%s);

-- name: partitions_ahead
select equipment.cylinder_partition('equipment.cylinder_fill', %(at)s),
       equipment.cylinder_partition('equipment.cylinder_event', %(at)s);

-- name: lock_cylinder
select c.no, c.station_id, c.medium, c.state, c.frozen_from
from equipment.cylinder c where c.code = %s for no key update;

-- name: set_state
update equipment.cylinder
set state = %(state)s, frozen_from = %(frozen_from)s, state_since = %(at)s, changed_at = %(now)s
where no = %(no)s;

-- name: set_inspection
update equipment.cylinder set last_inspection = %s, next_inspection = %s where no = %s;

-- name: set_scrapped
update equipment.cylinder set scrap_date = least(scrap_date, %s), next_inspection = null where no = %s;

-- name: insert_delivery
insert into equipment.cylinder_delivery (cylinder_no, at, station_id, recipient, phone, address) values (%s, %s, %s, %s, %s, %s);

-- name: deliveries
select at, recipient, phone, address from equipment.cylinder_delivery where cylinder_no = %s order by at desc limit %s;

-- name: station_directory
select id, name, media from equipment.station_directory(%s);

-- name: pending_transfer
select cylinder_no from equipment.cylinder_transfer_item where outcome = 'offered' and cylinder_no = any(%s);

-- name: insert_transfer
insert into equipment.cylinder_transfer (from_station, to_station, reason, offered_at, offered_by)
values (%s, %s, %s, %s, %s) returning id;

-- name: insert_transfer_items
insert into equipment.cylinder_transfer_item (transfer_id, cylinder_no, code)
select %s, i.no, i.code from unnest(%s::integer[], %s::text[]) as i(no, code);

-- name: transfers
select t.id, t.from_station, f.name, t.to_station, r.name, t.state, t.reason, t.offered_at, t.decided_at, t.answer,
       (select count(*)::int from equipment.cylinder_transfer_item i where i.transfer_id = t.id),
       (select count(*)::int from equipment.cylinder_transfer_item i where i.transfer_id = t.id and i.outcome = 'moved')
from equipment.cylinder_transfer t
join equipment.station_directory(current_date) f on f.id = t.from_station
join equipment.station_directory(current_date) r on r.id = t.to_station
where t.id < %(before)s and (%(id)s::bigint is null or t.id = %(id)s) and (not %(open)s or t.state = 'offered')
order by t.id desc limit %(limit)s;

-- name: lock_transfer
select 1 from equipment.cylinder_transfer where id = %s for update;

-- name: transfer_items
select code, outcome, reasons from equipment.cylinder_transfer_item where transfer_id = %s order by code;

-- name: offered_items
select cylinder_no, code from equipment.cylinder_transfer_item where transfer_id = %s and outcome = 'offered';

-- name: take_cylinders
select equipment.take_cylinders(%s, %s, %s);

-- name: settle_items
update equipment.cylinder_transfer_item i
set outcome = case when i.cylinder_no = any(%(moved)s::integer[]) then 'moved' else 'stayed' end,
    reasons = coalesce((select array(select jsonb_array_elements_text(s -> 'reasons')) from jsonb_array_elements(%(stayed)s::jsonb) s
                        where (s ->> 'no')::integer = i.cylinder_no), '{}')
where i.transfer_id = %(transfer)s and i.outcome = 'offered';

-- name: settle_transfer
update equipment.cylinder_transfer set state = %s, decided_at = %s, decided_by = %s, answer = %s where id = %s and state = 'offered';

-- name: correct
update equipment.cylinder set {assignments}, changed_at = %(changed_at)s where no = %(no)s;

-- name: cylinder_columns
select c.no, c.code, c.station_id, o.name, c.maker_code, c.serial, c.make_date, c.variety_code, c.medium, c.volume_l,
       c.nominal_pressure_mpa, c.tare_kg, c.max_fill_kg, c.certificate_no, c.last_inspection, c.next_inspection,
       c.scrap_date, c.state, c.frozen_from, c.state_since, c.last_fill_at, c.registered_at, c.changed_at
from equipment.cylinder c
join equipment.organisation o on o.id = c.station_id;

-- name: where_code
where c.code = %s;

-- name: search
where (%(text)s = '' or c.no = any (array(
        select no from equipment.cylinder where code = %(text)s
        union all select no from equipment.cylinder where serial = %(text)s)))
  and (%(state)s = '' or c.state = %(state)s)
  and (%(station)s::bigint is null or c.station_id = %(station)s)
  and c.no > %(after)s
order by c.no
limit %(limit)s;

-- name: due
where c.next_inspection < %(before)s and c.next_inspection >= %(since)s and c.state <> 'lost'
  and (%(station)s::bigint is null or c.station_id = %(station)s)
order by c.next_inspection, c.no
limit %(limit)s offset %(offset)s;

-- name: undated
where c.next_inspection is null and c.state <> 'scrapped'
  and (%(station)s::bigint is null or c.station_id = %(station)s)
order by c.no
limit %(limit)s offset %(offset)s;

-- name: due_counts
select (select count(*) from equipment.cylinder c where c.next_inspection < %(today)s and c.state <> 'lost')::int,
       (select count(*) from equipment.cylinder c
        where c.next_inspection >= %(today)s and c.next_inspection < %(soon)s and c.state <> 'lost')::int,
       (select count(*) from equipment.cylinder c where c.next_inspection is null and c.state <> 'scrapped')::int;

-- name: fills_between
select f.filled_at, f.checked_at, f.received_at, f.station_id, f.cylinder_no, f.empty_kg, f.residual_mpa, f.residual_kg,
       f.vacuum_mpa, f.pressure_mpa, f.full_kg, f.net_kg, f.reweigh_kg, f.tare_kg, f.max_fill_kg, f.inspection_due,
       f.appearance_ok, f.leak_free, f.passed, f.traced, f.medium, f.gun, f.scale, f.filler, f.checker, f.rechecker,
       f.faults, f.note, f.video_url, c.code, o.name
from equipment.recent_fills(%s, %s, %s, %s) f
left join equipment.cylinder c on c.no = f.cylinder_no
left join equipment.organisation o on o.id = f.station_id
order by f.filled_at desc, f.cylinder_no desc;

-- name: fills_of_cylinder
select f.filled_at, f.checked_at, f.received_at, f.station_id, f.cylinder_no, f.empty_kg, f.residual_mpa, f.residual_kg,
       f.vacuum_mpa, f.pressure_mpa, f.full_kg, f.net_kg, f.reweigh_kg, f.tare_kg, f.max_fill_kg, f.inspection_due,
       f.appearance_ok, f.leak_free, f.passed, f.traced, f.medium, f.gun, f.scale, f.filler, f.checker, f.rechecker,
       f.faults, f.note, f.video_url, null, o.name
from equipment.fills_of_cylinder(%s, %s) f
left join equipment.organisation o on o.id = f.station_id
order by f.filled_at desc;

-- name: events_of_cylinder
select e.at, e.event, e.from_state, e.to_state, e.reason, e.detail
from equipment.events_of_cylinder(%s, %s) e order by e.at desc, e.recorded_at desc;

-- name: refusals
select r.id, r.at, r.recorded_at, r.station_id, o.name, r.cylinder_no, r.code, r.stage, r.medium, r.reasons, r.clause
from equipment.cylinder_refusal r
left join equipment.organisation o on o.id = r.station_id
where r.id < %(before)s and (%(code)s = '' or r.code = %(code)s)
order by r.id desc
limit %(limit)s;

-- name: refusal_count
select count(*)::int from equipment.cylinder_refusal where recorded_at >= %s;

-- name: public
select code, variety_code, medium, state, station, filled_at, net_kg, passed, next_inspection, inspection_valid, insured,
       licensed, make_date, scrap_date
from equipment.public_cylinder(%s, %s);

-- name: coverage
select cylinders, coded, traced from equipment.cylinder_coverage(%s, %s);
