-- name: insert_notification
insert into alarms.notification (key, purpose, incident_id, dispatch_id, organisation_id, person_id, channel, address, body, next_at,
    created_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (key) do nothing returning id;

-- name: words_of_incident
select i.number, i.kind, i.trapped, coalesce(u.name, ''), coalesce(u.rescue_code, ''),
       coalesce(concat_ws(' ', nullif(u.address, ''), nullif(u.place_name, ''), nullif(u.building, ''), nullif(u.entrance, '')), i.place)
from alarms.incident i left join equipment.unit u on u.no = i.unit_no where i.id = %s;

-- Those on duty for the lift's area, then the duty phone, then the manager if there is neither.
-- name: addresses
with duty as (
    select s.phone, s.person_id from equipment.duty_shift s join equipment.jurisdiction a on a.id = s.area_id
    where s.organisation_id = %(organisation)s and s.cancelled_at is null and s.span @> %(now)s::timestamptz
      and (%(unit)s::integer is null or starts_with((select jurisdiction_path from equipment.unit where no = %(unit)s), a.path))
), phones as (
    select phone, min(person_id) as person_id from (
        select phone, person_id from duty
        union all
        select duty_phone, null from equipment.organisation where id = %(organisation)s and duty_phone is not null
        union all
        select phone, id from (select phone, id from equipment.person where organisation_id = %(organisation)s and phone is not null
            and left_on is null and not exists (select 1 from duty) order by (duty like '%%经理%%' or duty like '%%负责人%%') desc, id limit 1) m
    ) p group by phone
)
select c.channel, p.phone, p.person_id from phones p cross join (values ('voice'), ('sms')) c(channel)
union all
select channel, address, null from alarms.paging_address where organisation_id = %(organisation)s and ended_at is null;

-- name: claim
update alarms.notification n set state = 'sending', attempts = attempts + 1, next_at = %(until)s
where n.id in (select id from alarms.notification where state in ('pending', 'sending') and next_at <= %(now)s
                 and (%(channels)s::text[] is null or channel = any(%(channels)s))
               order by (channel = 'voice') desc, id limit %(limit)s for update skip locked)
returning n.id, n.key, n.purpose, n.channel, n.address, n.body, n.attempts, n.incident_id, n.dispatch_id, n.organisation_id, n.rings;

-- Its turn has come: still ours, and still wanted. An answer may have come, or another sender, while those before it were sent.
-- name: still_wanted
update alarms.notification set next_at = %(until)s where id = %(id)s and state = 'sending' and attempts = %(attempt)s returning id;

-- name: mark_sent
update alarms.notification set state = 'sent', sent_at = %(now)s, provider_id = %(provider)s, last_error = null
where id = %(id)s and state = 'sending' returning id;

-- An answer came while it was being sent: what the provider has just taken is rung off.
-- name: mark_stopped_while_sending
update alarms.notification set provider_id = %(provider)s, sent_at = %(now)s, hang_up = channel = 'voice' where id = %(id)s and state = 'stopped';

-- name: mark_failed
update alarms.notification set state = 'pending', next_at = %(next)s, last_error = %(error)s where id = %(id)s and state = 'sending';

-- name: mark_dead
update alarms.notification set state = 'dead', last_error = %(error)s where id = %(id)s and state = 'sending'
returning incident_id, organisation_id, person_id, channel, address;

-- name: note_attempt
insert into alarms.notification_attempt (notification_id, at, outcome, words) values (%s, %s, %s, %s);

-- name: to_hang_up
select id, provider_id, channel from alarms.notification where hang_up and provider_id is not null order by id limit 50 for update skip locked;

-- name: hung_up
update alarms.notification set hang_up = false where id = %s;

-- A voice call that nobody took: it is rung again while its order waits, a few times.
-- name: ring_again
update alarms.notification n set state = 'pending', next_at = %(now)s, rings = rings + 1, attempts = 0
from alarms.dispatch d where d.id = n.dispatch_id and n.channel = 'voice' and n.state = 'sent' and n.sent_at <= %(before)s
  and n.rings + 1 < %(most)s and d.answered_at is null and d.refused_at is null and d.escalated_at is null and d.ended_at is null
returning n.id;

-- name: insert_link
insert into alarms.reply_link (token_sha256, dispatch_id, notification_id, expires_at) values (%s, %s, %s, %s);

-- name: secret_of
select secret from alarms.paging_address where organisation_id = %s and channel = %s and address = %s and ended_at is null;

-- name: insert_task
insert into alarms.desk_task (key, kind, incident_id, unit_no, organisation_id, person_id, detail, opened_at, opened_by, due_at)
values (%(key)s, %(kind)s, %(incident)s, %(unit)s, %(organisation)s, %(person)s, %(detail)s, %(now)s, %(by)s, %(due)s)
on conflict (key) do nothing returning id;

-- name: by_provider
select id, dispatch_id, incident_id from alarms.notification where channel = 'voice' and provider_id = %s for update;

-- name: mark_receipted
update alarms.notification set state = 'receipted', receipt_at = %s, receipt = %s where id = %s and receipt_at is null;

-- Who is reached by which channel: those on duty now, the duty phone, the organisation's own channels. One row without a
-- channel for an organisation that nothing reaches but its page.
-- name: reached
with own as (
    select o.id, o.name, o.kind, o.duty_phone from equipment.organisation o
    where o.kind in ('maintenance_firm', 'rescue_station') and (%(organisation)s::bigint is null or o.id = %(organisation)s)
), found as (
    select own.id as organisation_id, null::bigint as id, 'duty' as channel, s.phone as address, coalesce(p.name, '') as name, lower(s.span) as since
    from own join equipment.duty_shift s on s.organisation_id = own.id and s.cancelled_at is null and s.span @> %(now)s::timestamptz
    left join equipment.person p on p.id = s.person_id
    union all
    select id, null, 'phone', duty_phone, '', null from own where duty_phone is not null
    union all
    select a.organisation_id, a.id, a.channel, a.address, '', a.since from own join alarms.paging_address a on a.organisation_id = own.id and a.ended_at is null
)
select own.id, own.name, own.kind, f.id, coalesce(f.channel, ''), coalesce(f.address, ''), coalesce(f.name, ''), f.since,
       (select count(*)::int from alarms.notification n where n.organisation_id = own.id and n.address = f.address and n.state = 'dead'
          and n.created_at > %(now)s::timestamptz - interval '30 days')
from own left join found f on f.organisation_id = own.id
order by (f.channel is null) desc, own.kind desc, own.name, own.id, array_position(array['duty', 'phone', 'wecom', 'dingtalk', 'webhook', 'email'], f.channel), f.address
limit 2000;

-- name: add_address
insert into alarms.paging_address (organisation_id, channel, address, secret, since) values (%s, %s, %s, %s, %s)
on conflict do nothing returning id;

-- name: end_address
update alarms.paging_address set ended_at = %s where id = %s and ended_at is null returning id;
