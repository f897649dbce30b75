-- name: codes_between
select unit_no, (extract(epoch from server_time) * 1000000)::bigint, (extract(epoch from received_at) * 1000000)::bigint,
       seq, code_list, code
from ingest.code_event where unit_no = any(%s) and ts >= %s and ts < %s;

-- name: reports
-- several callers about one incident are one report
select c.unit_no, case when bool_or(c.category in ('entrapment', 'self_release')) then 'entrapment' else 'fault' end,
       min(c.reported_at), coalesce('incident:' || s.incident_id, 'call:' || c.id) as source
from ingest.call_record c
left join alarms.incident_source s on s.source_kind = 'call' and s.source_id = c.id::text
where c.unit_no = any(%(units)s) and c.reported_at >= %(begin)s and c.reported_at < %(end)s
  and c.category in ('entrapment', 'self_release', 'fault')
group by c.unit_no, coalesce('incident:' || s.incident_id, 'call:' || c.id)
union all
select i.unit_no, case when i.kind = 'fault' then 'fault' else 'entrapment' end, coalesce(i.reported_at, i.opened_at),
       'incident:' || i.id
from alarms.incident i
where i.unit_no = any(%(units)s) and i.confirmed and i.kind in ('entrapment', 'self_release', 'fault')
  and i.state not in ('cancelled', 'merged')
  and coalesce(i.reported_at, i.opened_at) >= %(begin)s and coalesce(i.reported_at, i.opened_at) < %(end)s
  and not exists (select 1 from alarms.incident_source s where s.incident_id = i.id and s.source_kind = 'call')
order by 3;

-- name: model_of_unit
select device_model from equipment.unit where no = %s;

-- name: trust_in_force
select id, rule, device_model, decision, reason, document_no, evidence, author, decided_at, expires_at
from alarms.device_trust
where rule = %s and device_model = %s and (expires_at is null or expires_at > %s) order by id desc limit 1;

-- name: trust_history
select id, rule, device_model, decision, reason, document_no, evidence, author, decided_at, expires_at
from alarms.device_trust order by id desc limit %s;

-- name: insert_trust
insert into alarms.device_trust (rule, device_model, decision, reason, document_no, evidence, account_id, author,
    decided_at, expires_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: insert_unproven
insert into alarms.unproven_alarm (alarm_id, unit_no, rule, device_model, rang, why, at)
values (%s, %s, %s, %s, %s, %s, %s) on conflict (alarm_id) do nothing;

-- name: raised_since
select a.rule, a.unit_no, a.started_at, a.raised_at, a.severity,
       exists (select 1 from alarms.alarm_event e where e.alarm_id = a.id and e.to_state = 'suppressed_by_design'),
       coalesce(bool_or(i.confirmed and i.state <> 'cancelled'), false), coalesce(bool_or(i.outcome = 'false_alarm'), false)
from alarms.alarm a
left join alarms.incident_source s on s.source_kind = 'alarm' and s.source_id = a.id
left join alarms.incident i on i.id = s.incident_id
where a.raised_at >= %s and not a.retrospective
  and not exists (select 1 from alarms.alarm_event e where e.alarm_id = a.id and e.event = 'withdrawn')
group by a.id;

-- name: save_score
insert into alarms.shadow_score as s (rule, device_model, rule_version, shadow, never_muted, since, scored_at, units,
    confirmed, unconfirmed, found_false, pending, events, answered, missed, silent)
values (%(rule)s, %(model)s, %(version)s, %(shadow)s, %(never_muted)s, %(now)s, %(now)s, %(units)s, %(confirmed)s,
    %(unconfirmed)s, %(found_false)s, %(pending)s, %(events)s, %(answered)s, %(missed)s, %(silent)s)
on conflict (rule, device_model) do update set rule_version = excluded.rule_version, shadow = excluded.shadow,
    never_muted = excluded.never_muted, scored_at = excluded.scored_at, units = excluded.units,
    confirmed = excluded.confirmed, unconfirmed = excluded.unconfirmed, found_false = excluded.found_false,
    pending = excluded.pending, events = excluded.events, answered = excluded.answered, missed = excluded.missed,
    silent = excluded.silent
returning since;

-- name: repeatedly_false
select a.unit_no, coalesce(u.device_model, '-'), array_agg(a.id order by a.raised_at), array_agg(distinct a.rule),
       min(a.raised_at)
from alarms.alarm a
join alarms.incident_source s on s.source_kind = 'alarm' and s.source_id = a.id
join alarms.incident i on i.id = s.incident_id and i.outcome = 'false_alarm'
join equipment.unit u on u.no = a.unit_no
where a.raised_at >= %(since)s
  and a.raised_at > coalesce((select max(r.told_at) from alarms.device_report r where r.unit_no = a.unit_no), '-infinity')
group by a.unit_no, u.device_model having count(*) >= %(times)s;

-- name: insert_run
insert into alarms.backtest_run (rules_a, rules_b, begins_at, ends_at, units, before_seconds, after_seconds, scope_path,
    account_id, author, asked_at)
values (%(rules_a)s, %(rules_b)s, %(begin)s, %(end)s, %(units)s, %(before)s, %(after)s, %(path)s, %(account)s, %(author)s,
    %(now)s)
returning id;

-- name: run_columns
select id, rules_a, rules_b, begins_at, ends_at, units, before_seconds, after_seconds, scope_path, state, progress, error,
       result_a, result_b, author, asked_at, started_at, finished_at
from alarms.backtest_run

-- name: run_by_id
where id = %s

-- name: newest_runs
order by id desc limit %s

-- name: claim_run
update alarms.backtest_run set state = 'running', started_at = %(now)s, heartbeat_at = %(now)s, progress = 0
where id = (select id from alarms.backtest_run
            where state = 'queued' or (state = 'running' and heartbeat_at < %(lost)s)
            order by id limit 1 for update skip locked)
returning id;

-- name: note_progress
update alarms.backtest_run set progress = %s, heartbeat_at = %s where id = %s;

-- name: finish_run
update alarms.backtest_run set state = 'done', progress = 1, result_a = %s, result_b = %s, finished_at = %s where id = %s;

-- name: fail_run
update alarms.backtest_run set state = 'failed', error = %s, finished_at = %s where id = %s;

-- name: give_back_run
update alarms.backtest_run set state = 'queued', progress = 0 where id = %s and state = 'running';

-- name: trust_table
-- every pair that is scored, with the decision in force
select s.rule, s.device_model, s.shadow, s.never_muted, s.since, s.scored_at, s.units, s.confirmed, s.unconfirmed,
       s.found_false, s.pending, s.events, s.answered, s.missed, s.silent, t.decision, t.reason, t.document_no, t.author,
       t.decided_at, t.expires_at,
       (select count(*) from alarms.unproven_alarm u
        where u.rule = s.rule and u.device_model = s.device_model and not u.rang and u.at > s.scored_at - interval '30 days') as muted
from alarms.shadow_score s
left join lateral (
    select d.decision, d.reason, d.document_no, d.author, d.decided_at, d.expires_at from alarms.device_trust d
    where d.rule = s.rule and d.device_model = s.device_model and (d.expires_at is null or d.expires_at > %s)
    order by d.id desc limit 1) t on true
order by s.rule, s.device_model;

-- name: insert_device_report
insert into alarms.device_report (unit_no, device_model, alarms, first_at, told_at) values (%s, %s, %s, %s, %s);
