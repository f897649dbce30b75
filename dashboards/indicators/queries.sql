-- name: units_of_statuses
select count(*) from equipment.unit where status = any(%s);
