-- name: insert
insert into equipment.accident (number, corrects, unit_no, kind, jurisdiction_id, occurred_at, reported_at, level, deaths,
    serious_injuries, trapped_minutes, loss_yuan, counted, not_counted_reason, narrative, minor_injuries, trapped_people,
    later_deaths, known_at, cause, exclusion, facts, incident_number, level_basis, correction_reason, recorded_by, recorded_at)
values (%(number)s, %(corrects)s, %(unit_no)s, %(kind)s, %(jurisdiction_id)s, %(occurred_at)s, %(reported_at)s, %(level)s,
    %(deaths)s, %(serious_injuries)s, %(trapped_minutes)s, %(loss_yuan)s, %(counted)s, %(not_counted_reason)s, %(narrative)s,
    %(minor_injuries)s, %(trapped_people)s, %(later_deaths)s, %(known_at)s, %(cause)s, %(exclusion)s, %(facts)s,
    %(incident_number)s, %(level_basis)s, %(correction_reason)s, %(recorded_by)s, %(recorded_at)s)
returning id, number;

-- name: next_number
select equipment.next_accident_number(%s);

-- name: number_of
select number from equipment.accident where id = %s;

-- name: columns
select id, number, corrects, unit_no, kind, jurisdiction_id, occurred_at, reported_at, level, deaths, serious_injuries,
       trapped_minutes, loss_yuan::float8, counted, not_counted_reason, narrative, minor_injuries, trapped_people, later_deaths,
       known_at, cause, exclusion, facts, incident_number, level_basis, correction_reason, recorded_by, recorded_at

-- name: known_between
from equipment.accident a
where occurred_at >= %(start)s and occurred_at < %(end)s and recorded_at <= %(known_at)s
  and not equipment.accident_corrected_by(a.id, %(known_at)s)
order by occurred_at, id;

-- name: entries_of
from equipment.accident where number = %s order by id;

-- name: insert_follow_up
insert into equipment.accident_follow_up (number, event, step, at, recorded_at, account_id, note, detail)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: follow_ups
select id, number, event, step, at, recorded_at, account_id, note, detail
from equipment.accident_follow_up where number = %s order by at, id;

-- name: insert_hotline_check
insert into equipment.hotline_check (unit_no, organisation_id, subject, passed, checked_at, note, recorded_by, recorded_at)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: reports
select number, step, at from equipment.accident_follow_up where event = 'report' order by at;
