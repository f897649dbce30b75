-- name: note_rule_set
insert into alarms.rule_set (id, rules, first_used_at) values (%s, %s, %s) on conflict (id) do nothing;

-- name: save_checkpoint
insert into alarms.checkpoint (shard, batch, rule_set, taken_at, format, state, history_batch, history)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (shard, batch) do update set rule_set = excluded.rule_set, taken_at = excluded.taken_at,
    format = excluded.format, state = excluded.state, history_batch = excluded.history_batch, history = excluded.history;

-- name: drop_old_checkpoints
delete from alarms.checkpoint where shard = %s and batch < (
    select min(batch) from (select batch from alarms.checkpoint where shard = %s order by batch desc limit 2) newest);

-- name: newest_checkpoint
select batch, taken_at, format, state, history_batch, history from alarms.checkpoint where shard = %s
order by batch desc limit 1;

-- name: insert_failure
insert into alarms.rule_failure (rule, rule_version, error, times, failed_at) values (%s, %s, %s, %s, %s);

-- name: failures_since
select rule, rule_version, error, sum(times), max(failed_at) from alarms.rule_failure where failed_at >= %s
group by rule, rule_version, error order by max(failed_at) desc limit 50;

-- name: batches_since
select number, judged_at from ingest.batch where shard = %s and number > %s order by number;

-- name: code_events_since
select unit_no, ts, channel, seq, code_list, code from ingest.code_event where shard = %s and batch > %s and ts >= %s;

-- name: insert_alarm
insert into alarms.alarm (id, unit_no, shard, rule, rule_version, severity, receivers, state, active, retrospective, shadow,
    started_at, raised_at, protected, evidence)
values (%s, %s, %s, %s, %s, %s, %s, %s, true, %s, %s, %s, %s, %s, %s)
on conflict (id) do nothing
returning id;

-- name: insert_event
insert into alarms.alarm_event (alarm_id, unit_no, event, from_state, to_state, at, recorded_at, account_id, reason, evidence)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: hold_alone
select pg_advisory_xact_lock(hashtextextended('alarms.several', 0));

-- name: hold_shared
select pg_advisory_xact_lock_shared(hashtextextended('alarms.several', 0));

-- name: lock_in_order
select id from alarms.alarm where id = any(%s) order by id for no key update;

-- name: hold_if_free
select id from alarms.alarm where id = %s for no key update skip locked;

-- name: suppressed_by_design
select id, unit_no, rule, rule_version from alarms.alarm
where state = 'suppressed_by_design' and inhibited_by is null and active and shard = any(%s) order by id;

-- name: lock_alarm
select state, active, unit_no, rule, latched, protected, shelf, shadow, inhibited_by
from alarms.alarm where id = %s for no key update;

-- name: set_state
update alarms.alarm set state = %(state)s, active = %(active)s,
    cleared_at = coalesce(%(cleared_at)s, cleared_at), retrospective = retrospective or %(retrospective)s
where id = %(id)s;

-- name: set_active_again
update alarms.alarm set state = %s, active = true, cleared_at = null, latched = false where id = %s;

-- name: set_severity
update alarms.alarm set state = %s, severity = %s where id = %s;

-- name: set_no_signal
update alarms.alarm set no_signal = %s where id = %s;

-- name: set_acknowledged
update alarms.alarm set state = %s, acknowledged_at = %s, acknowledged_by = %s where id = %s;

-- name: set_muted
update alarms.alarm set state = %(state)s, shelved_until = %(until)s, shelf = %(shelf)s, inhibited_by = %(by)s
where id = %(id)s;

-- name: set_muted_until
update alarms.alarm set shelved_until = %s where id = %s;

-- name: set_released
update alarms.alarm set state = %s, shelved_until = null, shelf = null, inhibited_by = null where id = %s;

-- name: set_latched
update alarms.alarm set latched = %s where id = %s;

-- name: set_assigned
update alarms.alarm set assigned_to = %s, assigned_account = %s, assigned_organisation = %s where id = %s;

-- name: assignable
select kind, id, name, role from alarms.assignable(%s);

-- name: insert_suppression
insert into alarms.suppression (alarm_id, unit_no, kind, scope, account_id, author, reason, began_at, expires_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: alarm_columns
select a.id, a.unit_no, u.id, u.name, u.place_name, u.rescue_code, u.jurisdiction_path, a.rule, a.rule_version, a.severity,
       a.receivers, a.state, a.active, a.retrospective, a.no_signal, a.shadow, a.started_at, a.raised_at, a.cleared_at,
       a.acknowledged_at, a.acknowledged_by, a.shelved_until, a.shelf,
       a.protected, a.assigned_to, a.assigned_account, a.assigned_organisation, a.inhibited_by, a.evidence
from alarms.alarm a join equipment.unit u on u.no = a.unit_no;

-- name: open_alarms
where a.state <> 'normal'
order by array_position(array['critical', 'high', 'medium', 'low'], a.severity), a.raised_at desc limit %s;

-- name: alarms_of_unit
where a.unit_no = %s order by a.raised_at desc limit %s;

-- name: alarm_by_id
where a.id = %s;

-- name: events_of_alarm
select event, from_state, to_state, at, recorded_at, account_id, reason, evidence, alarms.actor(account_id)
from alarms.alarm_event where alarm_id = %s order by id;

-- name: unit_names
select no, id, name from equipment.unit where no = any(%s);
