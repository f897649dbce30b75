-- name: lines
select h.id, j.name_zh, u.device_code, u.certificate_no, coalesce(u.name, so.name), coalesce(u.address, so.address),
       us.name, f.name, maintenance.actor_name(h.opened_by),
       (select string_agg(d.number, '、' order by d.id) from maintenance.document d where d.hazard_id = h.id and d.kind = 'hand_over'),
       e.handed_at, e.receipt_at, e.applied_at, e.last_progress, e.checked_at, e.checkers, e.conclusion, e.extended,
       (select string_agg(d.number, '、' order by d.id) from maintenance.document d where d.hazard_id = h.id and d.kind = 'notice'),
       (select string_agg(d.number, '、' order by d.id) from maintenance.document d
        where d.hazard_id = h.id and d.kind not in ('hand_over', 'notice')),
       p.before, p.after, p.other
from maintenance.hazard h
left join equipment.unit u on u.no = h.unit_no
left join equipment.organisation so on so.id = h.org_id
left join equipment.organisation us on us.id = h.use_org_id
left join equipment.organisation f on f.id = h.firm_org_id
left join equipment.jurisdiction j on j.id = h.district
left join lateral (
    select max(x.at) filter (where x.event = 'hand_over') as handed_at, max(x.at) filter (where x.event = 'receipt') as receipt_at,
           max(x.at) filter (where x.event = 'apply') as applied_at,
           (array_agg(x.evidence ->> 'evidence' order by x.id desc) filter (where x.event = 'progress'))[1] as last_progress,
           max(x.at) filter (where x.event in ('close', 'self_close', 'look_back')) as checked_at,
           (array_agg(x.evidence ->> 'officers' order by x.id desc) filter (where x.event in ('close', 'look_back')))[1] as checkers,
           (array_agg(x.evidence ->> 'evidence' order by x.id desc) filter (where x.event in ('close', 'self_close', 'look_back')))[1]
               as conclusion,
           count(*) filter (where x.event = 'grant_extension') as extended
    from maintenance.hazard_event x where x.hazard_id = h.id
) e on true
left join lateral (
    select count(*) filter (where x.stage = 'before') as before, count(*) filter (where x.stage = 'after') as after,
           count(*) filter (where x.stage = 'other') as other
    from maintenance.evidence_file x where x.hazard_id = h.id
) p on true
where h.id = any(%s);
