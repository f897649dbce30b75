-- name: newest_periods
select distinct on (p.class) p.class, p.days, p.approved_at, a.display_name, p.reason
from equipment.retention_period p left join equipment.account a on a.id = p.approved_by
order by p.class, p.id desc;

-- name: approve
insert into equipment.retention_period (class, days, reason, approved_at, approved_by) values (%s, %s, %s, %s, %s);
