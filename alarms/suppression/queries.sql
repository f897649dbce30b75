-- name: due
select id from alarms.alarm where shelved_until <= %s and state in ('shelved', 'suppressed_by_design')
for no key update skip locked;

-- name: to_take_out
select a.id, case when u.device_model is null then 'no_terminal' else u.status end
from alarms.alarm a join equipment.unit u on u.no = a.unit_no
where a.state not in ('normal', 'out_of_service') and not a.protected
  and (u.status in ('stopped', 'scrapped', 'cancelled', 'dismantled', 'moved_out') or u.device_model is null)
order by a.id limit 500 for no key update of a skip locked;

-- name: to_return
select a.id from alarms.alarm a join equipment.unit u on u.no = a.unit_no
where a.state = 'out_of_service' and u.status in ('in_use', 'unregistered') and u.device_model is not null
  and (select s.scope from alarms.suppression s where s.alarm_id = a.id order by s.id desc limit 1) = 'unit'
order by a.id limit 500 for no key update of a skip locked;

-- name: of_alarm
select id, alarm_id, kind, scope, account_id, author, reason, began_at, expires_at from alarms.suppression
where alarm_id = %s order by id desc;
