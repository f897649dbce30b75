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

-- name: has_scan
select id from maintenance.paper_scan where unit_no = %s and sha256 = %s;

-- name: scans
select visited_on, level, encode(sha256, 'hex') as sha256, note, received_at from maintenance.paper_scan
where unit_no = %s order by visited_on desc, id desc limit 500;
