-- name: switch
insert into maintenance.paperless_switch (firm_org_id, parallel_from, cycles, paperless_from, account_id, who, recorded_at)
values (%s, %s, %s, %s, %s, %s, %s);

-- name: newest
select firm_org_id, parallel_from, cycles, paperless_from, who, recorded_at from maintenance.paperless_switch
where firm_org_id = %s order by id desc limit 1;

-- name: add_scan
insert into maintenance.paper_scan (unit_no, firm_org_id, visited_on, level, sha256, note, account_id, received_at)
select %(unit_no)s, %(firm)s, %(on)s, %(level)s, %(sha256)s, %(note)s, %(account)s, %(now)s
where exists (select 1 from maintenance.attachment a where a.unit_no = %(unit_no)s and a.sha256 = %(sha256)s)
on conflict (unit_no, sha256) do nothing returning id;

-- name: scan_of
select visited_on, level from maintenance.paper_scan where unit_no = %s and sha256 = %s;

-- name: scans
select s.visited_on, s.level, encode(s.sha256, 'hex') as sha256, s.note, s.received_at, a.type, a.size
from maintenance.paper_scan s left join maintenance.attachment a on a.unit_no = s.unit_no and a.sha256 = s.sha256
where s.unit_no = %s order by s.visited_on desc, s.id desc limit 500;

-- name: newest_scans
select s.visited_on, s.level, encode(s.sha256, 'hex') as sha256, s.note, s.received_at, u.id as unit_id, u.name as unit_name,
    u.rescue_code
from maintenance.paper_scan s join equipment.unit u on u.no = s.unit_no
where s.firm_org_id = %s order by s.id desc limit %s;

-- name: lifts_of_firm
select u.id, u.name, u.rescue_code, u.device_code from equipment.unit u where u.firm_org_id = %s order by u.name, u.no limit %s;
