-- name: newest
select version, content, basis, published_at from maintenance.risk_matrix order by version desc limit 1;

-- name: publish
insert into maintenance.risk_matrix (content, basis, published_at, published_by) values (%s, %s, %s, %s);
