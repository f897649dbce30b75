-- name: hazard_row
select to_jsonb(h) || jsonb_build_object('unit_id', u.id, 'unit_name', u.name, 'address', u.address, 'device_code', u.device_code)
from maintenance.hazard h left join equipment.unit u on u.no = h.unit_no where h.id = %s;

-- name: record_unit
select unit_no from maintenance.record where id = %s;

-- name: keep
insert into maintenance.extract (kind, subject, hazard_id, unit_no, about, manifest, bundle, sha256, made_at, made_by)
values (%(kind)s, %(subject)s, %(hazard_id)s, %(unit_no)s, %(about)s, %(manifest)s, %(bundle)s, %(sha256)s, %(at)s, %(by)s)
returning id;

-- name: bundle_of
select kind, subject, bundle from maintenance.extract where id = %s;

-- name: recent
select e.id, e.kind, e.subject, e.about ->> 'title' as title, e.about ->> 'transfer_to' as transfer_to, e.made_at,
       encode(e.sha256, 'hex') as sha256, maintenance.actor_name(e.made_by) as made_by
from maintenance.extract e order by e.id desc limit %s;

-- name: of_hazard
select id, about ->> 'title', made_at, encode(sha256, 'hex') from maintenance.extract where hazard_id = %s order by id;
