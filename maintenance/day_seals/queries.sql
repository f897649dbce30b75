-- name: open_records
select r.id, r.digest, r.level, r.ended_at, r.workers, r.state, u.id as unit_id, u.name as unit_name, u.rescue_code
from maintenance.record r join equipment.unit u on u.no = r.unit_no
where r.firm_org_id = %(firm)s and r.ended_at >= %(since)s and r.ended_at < %(until)s and r.state <> 'corrected'
  and r.seal is null and r.content <> '{"erased": true}' and not exists (select 1 from maintenance.day_seal_record d where d.record_id = r.id)
order by r.ended_at, r.id;

-- name: lock_firm
select pg_advisory_xact_lock(hashtextextended('day-seal:' || %s::text, 0));

-- name: insert_seal
insert into maintenance.day_seal (id, firm_org_id, day, digest, account_id, signer, method, device, received_at, key_id,
    countersignature)
values (%(id)s, %(firm)s, %(day)s, %(digest)s, %(account)s, %(signer)s, %(method)s, %(device)s, %(now)s, %(key)s,
    %(countersignature)s);

-- name: insert_records
insert into maintenance.day_seal_record (record_id, seal_id, firm_org_id, commitment)
select record_id, %(seal)s, %(firm)s, commitment from unnest(%(ids)s::uuid[], %(commitments)s::bytea[]) as s(record_id, commitment);

-- name: seals
select s.id, s.day, s.signer, s.received_at, (select count(*) from maintenance.day_seal_record d where d.seal_id = s.id)
from maintenance.day_seal s where s.firm_org_id = %s order by s.received_at desc limit %s;

-- name: seal
select s.id, s.firm_org_id, o.name, s.day, s.digest, s.signer, s.method, s.device, s.received_at, s.key_id, s.countersignature
from maintenance.day_seal s join equipment.organisation o on o.id = s.firm_org_id where s.id = %s;

-- name: seal_records
select d.record_id as id, d.commitment, r.level, r.ended_at, r.workers, r.state, u.id as unit_id, u.name as unit_name, u.rescue_code
from maintenance.day_seal_record d join maintenance.record r on r.id = d.record_id
join equipment.unit u on u.no = r.unit_no
where d.seal_id = %s order by r.ended_at, r.id;

-- name: named
select record_id, commitment from maintenance.day_seal_named(%s) order by record_id;

-- name: seal_of_record
select seal_id from maintenance.day_seal_record where record_id = %s;

-- name: sealed_content
select s.id::text, s.firm_org_id, s.day, encode(s.digest, 'hex'), s.account_id, s.signer, s.method, s.device, s.received_at,
    (select array_agg(array[d.record_id::text, encode(d.commitment, 'hex')] order by d.record_id)
     from maintenance.day_seal_record d where d.seal_id = s.id)
from maintenance.day_seal s where s.id = any(%s::uuid[]);
