-- name: count_caller_phones
select (select count(*) from ingest.call_record where reported_at < %(before)s and caller_phone is not null)
     + (select count(*) from alarms.phone_call where rang_at < %(before)s and caller is not null)
     + (select count(*) from alarms.call_out where at < %(before)s and role = 'caller' and phone <> '')
     + (select count(*) from equipment.stream_entry where stream = 'desk' and kind = 'line' and created_at < %(before)s
        and payload->>'caller' is not null);

-- name: erase_caller_phones
with records as (
    update ingest.call_record set caller_phone = null where reported_at < %(before)s and caller_phone is not null returning 1
), lines as (
    update alarms.phone_call set caller = null where rang_at < %(before)s and caller is not null returning 1
), outs as (
    update alarms.call_out set phone = '', name = '' where at < %(before)s and role = 'caller' and phone <> '' returning 1
)
select (select count(*) from records) + (select count(*) from lines) + (select count(*) from outs)
     + dashboards.forget_callers_in_feed(%(before)s, 50000);

-- name: count_refused_messages
select count(*) from alarms.call_event_refused where received_at < %(before)s;

-- name: erase_refused_messages
with gone as (delete from alarms.call_event_refused where received_at < %(before)s returning 1) select count(*) from gone;

-- name: count_people
select count(*) from equipment.person where left_on < %(before)s and name <> '已删除';

-- name: erase_people
with people as (
    update equipment.person set name = '已删除', phone = null, certificate_no = null, changed_at = %(now)s
    where left_on < %(before)s and name <> '已删除' returning id
), papers as (
    delete from equipment.certificate c using people p where c.person_id = p.id
)
select count(*) from people;

-- name: last_runs
select distinct on (subject) subject, at, (after->>'count')::bigint from equipment.audit_entry
where action = 'retention.erase' and subject like 'class:%%' order by subject, id desc;

-- name: note_standing
insert into dashboards.retention_standing (class, over_time, counted_at) values (%s, %s, %s)
on conflict (class) do update set over_time = excluded.over_time, counted_at = excluded.counted_at;

-- name: standings
select class, over_time, counted_at from dashboards.retention_standing;
