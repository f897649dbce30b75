-- name: insert
insert into dashboards.report (kind, period, jurisdiction_id, scheduled, known_at, cut_id, document, pdf, xlsx, made_by, made_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
returning id;

-- name: have
select 1 from dashboards.report where kind = %s and period = %s and jurisdiction_id = %s and scheduled;

-- name: list
select r.id, r.kind, r.period, r.known_at, r.made_at, r.scheduled, r.document ->> 'title' as title, r.document ->> 'subtitle' as subtitle,
       length(r.pdf) as pdf_bytes, length(r.xlsx) as xlsx_bytes
from dashboards.report r order by r.period desc, r.kind, r.id desc limit 200;

-- name: one
select id, kind, period, known_at, document, pdf, xlsx, made_at from dashboards.report where id = %s;
