-- name: versions
select m.version, m.content, m.basis, m.approved_by, m.published_at, maintenance.actor_name(m.published_by)
from maintenance.risk_matrix m order by m.version desc limit %s;

-- name: publish
insert into maintenance.risk_matrix (content, basis, approved_by, published_at, published_by) values (%s, %s, %s, %s, %s);

-- name: judged_open
select id, number, risk, risk_colour from maintenance.hazard
where state not in ('closed', 'unsubstantiated') and risk is not null order by id limit %s;
