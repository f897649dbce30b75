-- name: issue
select equipment.issue_credential(%s, %s, %s, %s, %s);

-- name: revoke
select equipment.revoke_credentials(%s, %s, %s, %s);

-- name: of_unit
select c.name, u.id as unit_id, c.issued_at, c.ends_at, c.revoked_at, c.revoked_reason
from equipment.device_credential c join equipment.unit u on u.no = c.unit_no
where u.id = %s order by c.number desc;

-- name: without
-- no terminal can log in for these units yet
select u.id from equipment.unit u where u.device_model is not null and not exists (
    select 1 from equipment.device_credential c
    where c.unit_no = u.no and c.revoked_at is null and (c.ends_at is null or c.ends_at > %s))
order by u.id;

-- name: accepted
select c.name, u.id as unit_id, c.bcrypt, c.pbkdf2 from equipment.device_credential c join equipment.unit u on u.no = c.unit_no
where c.revoked_at is null and (c.ends_at is null or c.ends_at > %s) order by c.name collate "C";

-- name: version
-- changes whenever what is accepted changes
select count(*), count(*) filter (where revoked_at is null and (ends_at is null or ends_at > %s)), max(changed_at)
from equipment.device_credential;
