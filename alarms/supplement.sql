-- name: incident_of_call
select i.id, i.number from alarms.incident_source s join alarms.incident i on i.id = s.incident_id
where s.source_kind = 'call' and s.source_id = %s;

-- name: unit_of_call
select unit_no from ingest.call_record where id = %s;

-- name: insert_incident
insert into alarms.incident (number, unit_no, state, kind, severity, first_source, confirmed, nature, place, trapped, injured, suspected_dead,
    medical_rescue, major_incident, opened_at, reported_at, accepted_at, accepted_by, dispatched_at, arrived_at, freed_at, called_back_at,
    closed_at, touched_at, outcome, cause_code, release_mode)
values (alarms.next_incident_number(%(day)s), %(unit_no)s, 'closed', %(category)s, %(severity)s, 'call', true, 'supplement', %(place)s,
    %(trapped)s, %(injured)s, %(suspected_dead)s, %(medical_rescue)s, %(major_incident)s, %(reported_at)s, %(reported_at)s,
    %(reported_at)s, %(seat)s, %(dispatched_at)s, %(arrived_at)s, %(freed_at)s, %(called_back_at)s, %(closed_at)s, %(reported_at)s, %(outcome)s,
    %(cause_code)s, %(release_mode)s)
returning id, number;

-- name: insert_source
insert into alarms.incident_source (incident_id, source_kind, source_id, unit_no, joined_at) values (%s, 'call', %s, %s, %s);

-- name: insert_dispatch
insert into alarms.dispatch (incident_id, unit_no, level, organisation_id, ordered_at, ordered_by, answer_by, arrive_by, answered_at, arrived_at,
    answered_how, arrived_how, ended_at)
values (%(incident)s, %(unit_no)s, %(level)s, %(organisation)s, %(ordered_at)s, %(seat)s, %(answer_by)s, %(arrive_by)s, %(arrived_at)s,
    %(arrived_at)s, 'seat', 'seat', %(ended_at)s);

-- name: firm_of
select firm_org_id from equipment.unit where no = %s;

-- name: insert_event
insert into alarms.incident_event (incident_id, unit_no, event, from_state, to_state, at, recorded_at, account_id, how_known, reason, detail)
values (%s, %s, %s, 'closed', 'closed', %s, %s, %s, 'paper', %s, %s);
