-- name: units
insert into equipment.unit (id, kind, variety_code, name, address, jurisdiction_id, jurisdiction_path, rescue_code, use_org_id,
    firm_org_id, status, first_use_date, device_model, insurance_valid_to, parameters, changed_at)
select 'G' || lpad(g::text, 7, '0'), s.kind, s.variety_code, s.name, s.address, s.jurisdiction_id, s.jurisdiction_path,
       case when g < 700000 then lpad((200000 + g)::text, 6, '0') end, s.use_org_id, s.firm_org_id,
       case when g %% 20 = 0 then 'stopped' else 'in_use' end, %(now)s::date - (g %% 6000), s.device_model,
       case when g %% 3 <> 0 then %(now)s::date + (g %% 500 - 60) end, '{}', %(now)s
from generate_series(%(first)s::integer, %(last)s::integer) g
join (select u.*, row_number() over (order by u.no) - 1 as position from equipment.unit u where u.id not like 'G%%') s
    on s.position = g %% %(seeds)s;

-- name: records
insert into maintenance.record (id, unit_no, firm_org_id, idempotency_key, level, template, workers, started_at, ended_at,
    received_at, state, content, digest)
select gen_random_uuid(), u.no, u.firm_org_id, u.no || '-' || v, 'half_month', 'bench', '[]', x.at, x.at, x.at,
       case when (u.no + v) %% 5 = 0 then 'submitted' else 'confirmed' end, '{}', 'x'
from equipment.unit u cross join generate_series(0, 4) v
cross join lateral (select %(now)s::timestamptz - make_interval(days => 14 * v + u.no %% 3) as at) x
where u.firm_org_id is not null and u.status = 'in_use' and u.no %% 10 = 1;

-- name: incidents
insert into alarms.incident (number, unit_no, state, kind, severity, first_source, confirmed, opened_at, dispatched_at,
    arrived_at, freed_at)
select 'bench-' || u.no || '-' || v, u.no, 'closed', 'entrapment', 'critical', 'call', true, x.at, x.at, x.at + interval '12 minutes',
       x.at + interval '18 minutes'
from equipment.unit u cross join generate_series(0, 23) v
cross join lateral (select %(now)s::timestamptz - make_interval(days => 30 * v + u.no %% 30) as at) x
where u.kind = 'lift' and (u.no + 7 * v) %% 200 = 0;

-- name: alarms
insert into alarms.alarm (id, unit_no, shard, rule, rule_version, severity, receivers, state, active, started_at, raised_at,
    cleared_at, evidence)
select 'bench-' || u.no || '-' || v, u.no, 0, 'bench', 1, 'high', '{}', 'normal', false, x.at, x.at, x.at, '{}'
from equipment.unit u cross join generate_series(0, 23) v
cross join lateral (select %(now)s::timestamptz - make_interval(days => 30 * v + u.no %% 30) as at) x
where (u.no + 3 * v) %% 200 = 0;

-- name: hazards
insert into maintenance.hazard (number, unit_no, state, grade, clause, description, opened_at, opened_by, due_at)
select 'bench-' || u.no, u.no, 'handed_over', case when u.no %% 20 = 0 then 'major' else 'general' end, '4.6 b)', 'bench',
       %(now)s::timestamptz - make_interval(days => u.no %% 90), 1, %(now)s::timestamptz + make_interval(days => u.no %% 60 - 20)
from equipment.unit u where u.no %% 100 = 0;

-- name: states
insert into ingest.unit_state (unit_no, online, last_received_at)
select u.no, u.no %% 30 <> 0, %(now)s from equipment.unit u where u.device_model is not null;

-- name: sizes
select (select count(*) from equipment.unit), (select count(*) from maintenance.record), (select count(*) from alarms.incident),
       (select count(*) from alarms.alarm), (select count(*) from maintenance.hazard);

-- name: inspections
insert into equipment.inspection (unit_no, kind, performed_on, conclusion, recorded_at)
select u.no, case when y.back %% 2 = 0 then 'periodic' else 'self_test' end, %(now)s::date - 365 * y.back - u.no %% 400, 'passed', %(now)s
from equipment.unit u cross join generate_series(0, 5) y (back)
where %(now)s::date - 365 * y.back - u.no %% 400 > u.first_use_date and u.no %% 11 <> 0;
