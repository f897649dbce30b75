-- name: said_names
select (select name_zh from equipment.jurisdiction where id = %(bureau)s), coalesce(u.name, s.name),
       coalesce(u.address, s.address), u.device_code, uo.name, f.name,
       (select o.name from equipment.organisation o where o.id = %(responsible)s::bigint)
from maintenance.hazard h
left join equipment.unit u on u.no = h.unit_no
left join equipment.organisation s on s.id = h.org_id
left join equipment.organisation uo on uo.id = h.use_org_id
left join equipment.organisation f on f.id = h.firm_org_id
where h.id = %(hazard)s;

-- name: issue
select id, number from maintenance.issue_document(%s, %s, %s, %s, %s);

-- name: document_columns
select d.id, d.number, d.kind, d.bureau, d.hazard_id, d.content, d.issued_at, maintenance.actor_name(d.issued_by)
from maintenance.document d

-- name: of_hazard
where d.hazard_id = %s order by d.id

-- name: by_id
where d.id = %s

-- name: deliver
insert into maintenance.delivery (document_id, method, receiver, delivered_at, note, officers, place, recorded_at, recorded_by)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: subject
select unit_no, state from maintenance.hazard where id = %s;

-- name: deliveries
select method, receiver, delivered_at, note, officers, place from maintenance.delivery where document_id = %s order by id;

-- name: organisation_names
select id, name from equipment.organisation where id = any(%s);
