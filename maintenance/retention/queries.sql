-- name: old_photos
select a.unit_no, a.sha256 from maintenance.attachment a where a.received_at < %s
  and not exists (select 1 from maintenance.hazard h
      where h.unit_no = a.unit_no and h.state not in ('closed', 'unsubstantiated'))
order by a.received_at limit %s;

-- name: count_photos
select count(*) from maintenance.attachment a where a.received_at < %s
  and not exists (select 1 from maintenance.hazard h
      where h.unit_no = a.unit_no and h.state not in ('closed', 'unsubstantiated'));

-- name: old_records
select r.id from maintenance.record r where r.received_at < %s and r.content <> '{"erased": true}'
  and not exists (select 1 from maintenance.hazard h
      where h.unit_no = r.unit_no and h.state not in ('closed', 'unsubstantiated'))
order by r.received_at limit %s;

-- name: count_records
select count(*) from maintenance.record r where r.received_at < %s and r.content <> '{"erased": true}'
  and not exists (select 1 from maintenance.hazard h
      where h.unit_no = r.unit_no and h.state not in ('closed', 'unsubstantiated'));

-- name: drop_photo
delete from maintenance.attachment where sha256 = %s and (%s::integer is null or unit_no = %s) returning unit_no;

-- name: drop_print
delete from maintenance.picture_print where sha256 = %s;

-- name: count_prints
select count(*) from maintenance.picture_print p join maintenance.attachment a using (unit_no, sha256) where a.received_at < %s;

-- name: drop_prints
delete from maintenance.picture_print p using maintenance.attachment a
where a.unit_no = p.unit_no and a.sha256 = p.sha256 and a.received_at < %s;

-- name: count_facts
select count(*) from maintenance.visit_fact where began < %s;

-- name: drop_facts
delete from maintenance.visit_fact where began < %s;

-- name: count_parts
select count(*) from maintenance.attachment_part where changed_at < %s;

-- name: drop_parts
delete from maintenance.attachment_part where changed_at < %s;

-- name: note
insert into maintenance.erasure (kind, subject, unit_no, at, reason, count) values (%s, %s, %s, %s, %s, %s);

-- name: record
select unit_no, content from maintenance.record where id = %s for update;

-- name: signatures
select id::text from maintenance.record_signature where record_id = %s;

-- name: erase_content
update maintenance.record set content = '{"erased": true}', workers = '[]', digest = decode(repeat('00', 32), 'hex'),
    idempotency_key = 'erased:' || id::text, dispute_reason = null, confirmed_by = null, seal_key_id = null, seal = null where id = %s;

-- name: erase_items
update maintenance.record_item set note = '' where record_id = %s;

-- name: erase_signatures
update maintenance.record_signature set signer = '', device = '', digest = decode(repeat('00', 32), 'hex') where record_id = %s;

-- name: drop_fact
delete from maintenance.visit_fact where record_id = %s;
