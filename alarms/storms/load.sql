-- name: basis
select min(at) from alarms.annunciation where desk or not %s;

-- name: rate
-- Annunciations that somebody was paged for, and the most within ten minutes: one that lies exactly ten minutes back no longer counts.
select count(*), coalesce(max(n), 0) from (
    select count(*) over (order by at range between interval '9 minutes 59.999999 seconds' preceding and current row) as n
    from alarms.annunciation where at > %(since)s and at <= %(until)s and not muted and (desk or not %(desk)s)) c;

-- name: busy_intervals
-- Whole ten-minute intervals from the start of the period in which more than so many were annunciated.
select count(*) from (
    select count(*) as n from alarms.annunciation
    where at > %(since)s and at <= %(until)s and not muted and (desk or not %(desk)s)
    group by ceil(extract(epoch from at - %(since)s) / 600) having count(*) > %(above)s) b;

-- name: by_interval
select to_timestamp(floor(extract(epoch from at) / %(step)s) * %(step)s), count(*)
from alarms.annunciation where at > %(since)s and at <= %(until)s and not muted and (desk or not %(desk)s)
group by 1 order by 1;

-- name: by_severity
select severity, count(*) from alarms.annunciation
where at > %(since)s and at <= %(until)s and not muted and (desk or not %(desk)s) group by severity;

-- name: in_flood
select coalesce(sum(extract(epoch from least(coalesce(ended_at, %(until)s), %(until)s) - greatest(started_at, %(since)s))), 0), count(*)
from alarms.flood where console = %(console)s and started_at < %(until)s and coalesce(ended_at, %(until)s) > %(since)s;

-- name: top
-- What a person sees again and again: one rule at one unit.
select n.rule, coalesce(max(a.evidence ->> 'title_zh'), n.rule), coalesce(max(a.evidence ->> 'title_en'), n.rule), u.id, u.name, count(*)
from alarms.annunciation n join equipment.unit u on u.no = n.unit_no join alarms.alarm a on a.id = n.alarm_id
where n.at > %(since)s and n.at <= %(until)s and not n.muted and (n.desk or not %(desk)s)
group by n.rule, u.id, u.name order by count(*) desc, n.rule, u.id limit 10;

-- name: chattering
-- More than five transitions within five minutes: the sixth lies less than five minutes after the first.
select c.rule, c.title_zh, c.title_en, u.id, u.name, count(*) filter (where c.at - c.sixth_back < interval '5 minutes'), max(c.at)
from (
    select a.rule, coalesce(a.evidence ->> 'title_zh', a.rule) as title_zh, coalesce(a.evidence ->> 'title_en', a.rule) as title_en,
           e.unit_no, e.at, lag(e.at, 5) over (partition by a.rule, e.unit_no order by e.at, e.id) as sixth_back
    from alarms.alarm_event e join alarms.alarm a on a.id = e.alarm_id
    where e.at > %(since)s and e.at <= %(until)s and e.event in ('raised', 'returned', 'cleared') and not a.shadow
      and ('desk' = any(a.receivers) or not %(desk)s)) c
join equipment.unit u on u.no = c.unit_no
group by c.rule, c.title_zh, c.title_en, u.id, u.name
having bool_or(c.at - c.sixth_back < interval '5 minutes') order by 6 desc, 7 desc limit 50;

-- name: fleeting
-- Over again in less than ten seconds.
select a.rule, coalesce(max(a.evidence ->> 'title_zh'), a.rule), coalesce(max(a.evidence ->> 'title_en'), a.rule), u.id, u.name, count(*),
       max(a.raised_at)
from alarms.alarm a join equipment.unit u on u.no = a.unit_no
where a.raised_at > %(since)s and a.raised_at <= %(until)s and not a.active and not a.shadow and not a.retrospective
  and a.cleared_at - a.raised_at < interval '10 seconds' and ('desk' = any(a.receivers) or not %(desk)s)
  and not coalesce((a.evidence ->> 'momentary')::boolean, false)
group by a.rule, u.id, u.name order by count(*) desc, max(a.raised_at) desc limit 50;

-- name: stale
-- Present for more than a day without an end.
select a.rule, coalesce(a.evidence ->> 'title_zh', a.rule), coalesce(a.evidence ->> 'title_en', a.rule), u.id, u.name, 1, a.raised_at, a.id
from alarms.alarm a join equipment.unit u on u.no = a.unit_no
where a.state <> 'normal' and a.active and not a.shadow and %(until)s - a.raised_at > interval '24 hours'
  and ('desk' = any(a.receivers) or not %(desk)s)
order by a.raised_at limit 200;
