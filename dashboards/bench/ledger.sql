-- name: leads_and_hazards
insert into maintenance.hazard (number, unit_no, state, grade, clause, stop_use, description, responsible_org_id, measures, due_at, opened_at,
    opened_by, closed_at, jurisdiction_path, firm_org_id, use_org_id, source_kind, cause, step_due_at, supervised_at, reopened)
select format('YH%%s-%%s-%%s', split_part(u.jurisdiction_path, '/', 3), 2020 + n %% 7, n), u.no, h.state,
       case when n %% 100 = 0 then 'major' when n %% 10 = 0 then 'serious' else 'general' end, case when n %% 100 = 0 then '4.6 b' end,
       n %% 200 = 0, (array['层门门锁啮合不足', '制动器间隙超差', '维护保养超期', '保险到期未续', '反复困人', '限速器校验超期'])[1 + n %% 6] || n, u.use_org_id,
       '更换并试运行', h.opened_at + interval '15 days', h.opened_at, 1, case when h.state = 'closed' then h.opened_at + make_interval(days => 1 + n %% 20) end,
       u.jurisdiction_path, u.firm_org_id, u.use_org_id,
       (array['inspection', 'overdue_maintenance', 'alarm_pattern', 'public', 'record_item', 'overdue_insurance'])[1 + n %% 6], 'c' || n,
       case when h.state <> 'closed' then h.opened_at + interval '10 days' end, case when n %% 500 = 0 then h.opened_at end, (n %% 50 = 0)::integer
from generate_series(%(first)s::integer, %(last)s::integer) n
join equipment.unit u on u.no = 1 + n %% %(units)s::integer,
lateral (select %(now)s - make_interval(hours => (n::bigint * 7919 %% 52000)::integer) as opened_at,
                (case when n %% 16 = 0 then (array['listed', 'handed_over', 'receipted', 'rectifying', 'rectifying', 'recheck'])[1 + n / 16 %% 6]
                      else 'closed' end) as state) h;

-- name: entries
insert into maintenance.hazard_event (hazard_id, unit_no, event, from_state, to_state, at, account_id, reason, evidence)
select h.id, h.unit_no, (array['list', 'hand_over', 'receipt', 'start', 'progress', 'progress', 'progress', 'apply', 'inspect', 'close'])[e],
       '', 'rectifying', h.opened_at + make_interval(hours => e), 1, null, '{"evidence": "现场查看，已记录"}'
from maintenance.hazard h, generate_series(1, %(each)s::integer) e where h.id between %(first)s and %(last)s;
