-- name: due_records
select record_id, due_at from maintenance.assessment_due where due_at <= %s order by due_at limit %s for update skip locked;

-- name: make_due
insert into maintenance.assessment_due (record_id, due_at) values (%s, %s) on conflict do nothing;

-- name: done
delete from maintenance.assessment_due where record_id = %s and due_at <= %s;

-- name: record
select r.id, r.unit_no, r.firm_org_id, r.content, r.started_at, r.ended_at, r.state, u.kind, u.device_model, u.lon, u.lat,
       u.datum, u.accuracy_m
from maintenance.record r join equipment.unit u on u.no = r.unit_no where r.id = %s for update of r;

-- name: write_fact
insert into maintenance.visit_fact (record_id, unit_no, firm_org_id, workers, began, ended, position, values_digest, notes_digest)
values (%(record)s, %(unit_no)s, %(firm)s, %(workers)s, %(began)s, %(ended)s, %(position)s, %(values)s, %(notes)s)
on conflict do nothing;

-- name: others
select f.record_id::text, u.id, f.workers, f.began, f.ended, u.lon, u.lat, u.datum, u.accuracy_m
from maintenance.visit_fact f join equipment.unit u on u.no = f.unit_no join maintenance.record r on r.id = f.record_id
where f.firm_org_id = %(firm)s and f.began between %(began)s - interval '36 hours' and %(ended)s + interval '36 hours'
  and f.workers && %(workers)s and f.record_id <> %(record)s and r.state <> 'corrected'
  and f.record_id is distinct from %(corrects)s
order by f.began;

-- name: same
select count(distinct (f.began at time zone 'Asia/Shanghai')::date) filter (where f.position = %(position)s
           and (f.began at time zone 'Asia/Shanghai')::date <> (%(began)s at time zone 'Asia/Shanghai')::date),
       count(*) filter (where f.values_digest = %(values)s),
       count(*) filter (where f.notes_digest = %(notes)s)
from maintenance.visit_fact f join maintenance.record r on r.id = f.record_id
where f.firm_org_id = %(firm)s and f.record_id <> %(record)s and r.state <> 'corrected'
  and f.record_id is distinct from %(corrects)s
  and (f.position = %(position)s or f.values_digest = %(values)s or f.notes_digest = %(notes)s)
  and f.began between %(began)s - interval '180 days' and %(began)s + interval '180 days';

-- name: unprinted
select a.sha256, a.content from maintenance.attachment a
where a.unit_no = %(unit_no)s and a.sha256 = any(%(names)s)
  and not exists (select 1 from maintenance.picture_print p where p.unit_no = a.unit_no and p.sha256 = a.sha256);

-- name: write_print
insert into maintenance.picture_print (unit_no, sha256, pixels, shades, bands, detail, taken_at)
values (%(unit_no)s, %(sha256)s, %(pixels)s, %(shades)s::bit(256), %(bands)s, %(detail)s, %(taken_at)s) on conflict do nothing;

-- name: write_picture
insert into maintenance.record_picture (record_id, sha256, unit_no, firm_org_id, drawn) values (%s, %s, %s, %s, %s)
on conflict do nothing;

-- name: prints
select sha256, pixels, shades::text, bands, detail, taken_at from maintenance.picture_print
where unit_no = %s and sha256 = any(%s);

-- name: twins
select distinct on (r.id) r.id::text, u.id, (r.started_at at time zone 'Asia/Shanghai')::date::text, p.sha256, p.pixels, p.shades::text
from maintenance.picture_print p
join maintenance.record_picture rp on rp.sha256 = p.sha256 and rp.unit_no = p.unit_no
join maintenance.record r on r.id = rp.record_id join equipment.unit u on u.no = r.unit_no
where p.bands && %(bands)s and rp.firm_org_id = %(firm)s and rp.drawn = %(drawn)s
  and r.id <> %(record)s and r.id is distinct from %(corrects)s and r.state <> 'corrected' and r.corrects is distinct from %(record)s
  and bit_count(p.shades # %(shades)s::bit(256)) <= %(bits)s
order by r.id limit 5;

-- name: signers
select role, signer, device from maintenance.record_signature where record_id = %s;

-- name: write_assessment
insert into maintenance.assessment (record_id, unit_no, firm_org_id, workers, began, at, version, looked, skipped)
values (%(record)s, %(unit_no)s, %(firm)s, %(workers)s, %(began)s, %(at)s, %(version)s, %(looked)s, %(skipped)s)
on conflict (record_id) do update set at = excluded.at, version = excluded.version, looked = excluded.looked, skipped = excluded.skipped;

-- name: findings_to_compare
select id, check_name, state from maintenance.finding where record_id = %s for update;

-- name: insert_finding
insert into maintenance.finding (record_id, unit_no, firm_org_id, check_name, weight, detail, state, found_at, answer_by)
values (%(record)s, %(unit_no)s, %(firm)s, %(check)s, %(weight)s, %(detail)s, 'told', %(at)s, %(answer_by)s) returning id;

-- name: set_state
update maintenance.finding set state = %s, version = version + 1 where id = %s and state = %s returning id;

-- name: renew
update maintenance.finding set state = 'told', weight = %(weight)s, detail = %(detail)s, found_at = %(at)s,
    answer_by = %(answer_by)s, version = version + 1 where id = %(id)s;

-- name: finding
select id, record_id, unit_no, firm_org_id, check_name, weight, detail, state, found_at, answer_by
from maintenance.finding where id = %s;

-- name: findings_of_record
select id, record_id, unit_no, firm_org_id, check_name, weight, detail, state, found_at, answer_by
from maintenance.finding where record_id = %s order by weight desc, id;

-- name: events_of_record
select finding_id, event, at, who, said from maintenance.finding_event where record_id = %s order by id;

-- name: assessment_of_record
select at, version, looked, skipped from maintenance.assessment where record_id = %s;

-- name: lapsed
select id, record_id, unit_no, firm_org_id, check_name, weight, detail, state, found_at, answer_by
from maintenance.finding where state = 'told' and answer_by <= %s order by answer_by limit 100 for update skip locked;

-- name: assessed
select a.record_id, a.firm_org_id, f.name, a.workers, a.began, cardinality(a.looked), u.id, u.name, r.level,
       coalesce(jsonb_agg(jsonb_build_array(g.check_name, g.weight, g.state)) filter (where g.id is not null), '[]')
from maintenance.assessment a
join maintenance.record r on r.id = a.record_id
left join equipment.unit u on u.no = a.unit_no
left join equipment.organisation f on f.id = a.firm_org_id
left join maintenance.finding g on g.record_id = a.record_id and g.state <> 'withdrawn'
where a.began >= %(since)s and r.state <> 'corrected' and (%(firm)s = 0 or a.firm_org_id = %(firm)s)
group by a.record_id, f.name, u.id, u.name, r.level
order by a.began desc limit %(limit)s;
