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
