-- name: ensure_bridge
insert into ingest.bridge (client_id) values (%s) on conflict (only_one) do nothing;

-- name: bridge_client
select client_id from ingest.bridge;

-- name: has_led
select epoch > 0 from ingest.bridge;

-- name: take_lease
update ingest.bridge set owner = %(owner)s, epoch = epoch + 1, lease_until = %(until)s
where owner is null or lease_until < %(now)s returning epoch;

-- name: renew_lease
update ingest.bridge set lease_until = %s where owner = %s and epoch = %s returning epoch;

-- name: hold_lease
select epoch from ingest.bridge where owner = %s and epoch = %s for key share;

-- name: release_lease
update ingest.bridge set owner = null, lease_until = null where owner = %s;

-- name: add_gateway
insert into ingest.gateway (id, kind, name, created_at) values (%s, %s, %s, %s)
on conflict (id) do update set kind = excluded.kind, name = excluded.name, enabled = true;

-- name: list_unit
insert into ingest.gateway_unit (gateway_id, address, unit_no, profile)
select %(gateway)s, %(address)s, u.no, %(profile)s from equipment.unit u where u.id = %(unit)s
on conflict (gateway_id, address) do update set unit_no = excluded.unit_no, profile = excluded.profile
returning unit_no;

-- name: unit_kind
select kind from equipment.unit where id = %s;

-- name: disable_gateway
update ingest.gateway set enabled = false where id = %s returning id;

-- name: gateways
select g.id, g.kind, gu.address, u.id, u.kind, gu.profile
from ingest.gateway g
left join ingest.gateway_unit gu on gu.gateway_id = g.id
left join equipment.unit u on u.no = gu.unit_no
where g.enabled order by g.id, gu.address;

-- name: states
select gateway_id, state from ingest.gateway_state;

-- name: save_state
insert into ingest.gateway_state (gateway_id, state, changed_at) values (%s, %s, %s)
on conflict (gateway_id) do update set state = excluded.state, changed_at = excluded.changed_at;

-- name: add_account
insert into ingest.gateway_account as a (gateway_id, last_at, messages, messages_qos0, republished, refused, gaps, missing,
    rebirths_asked, online)
values (%(gateway_id)s, %(now)s, %(messages)s, %(messages_qos0)s, %(republished)s, %(refused)s, %(gaps)s, %(missing)s,
    %(rebirths_asked)s, %(online)s)
on conflict (gateway_id) do update set last_at = excluded.last_at, messages = a.messages + excluded.messages,
    messages_qos0 = a.messages_qos0 + excluded.messages_qos0, republished = a.republished + excluded.republished,
    refused = a.refused + excluded.refused, gaps = a.gaps + excluded.gaps, missing = a.missing + excluded.missing,
    rebirths_asked = a.rebirths_asked + excluded.rebirths_asked, online = coalesce(excluded.online, a.online);

-- name: add_gap
insert into ingest.gateway_gap (gateway_id, noticed_at, expected, got, missing) values (%s, %s, %s, %s, %s);

-- name: add_refusal
insert into ingest.gateway_refusal (gateway_id, received_at, topic, address, reason, detail, payload)
values (%s, %s, %s, %s, %s, %s, %s);

-- name: add_unmapped
insert into ingest.gateway_unmapped as m (gateway_id, profile, field, example, count, first_at, last_at)
values (%(gateway_id)s, %(profile)s, %(field)s, %(value)s, %(count)s, %(now)s, %(now)s)
on conflict (gateway_id, profile, field) do update set example = excluded.example, count = m.count + excluded.count,
    last_at = excluded.last_at;

-- name: sources
select g.id, g.kind, g.name, g.enabled,
       (select count(*) from ingest.gateway_unit gu where gu.gateway_id = g.id) as units,
       a.last_at, coalesce(a.messages, 0), coalesce(a.messages_qos0, 0), coalesce(a.republished, 0), coalesce(a.refused, 0),
       coalesce(a.gaps, 0), coalesce(a.missing, 0), a.online
from ingest.gateway g left join ingest.gateway_account a on a.gateway_id = g.id
order by g.id;

-- name: gaps
select gateway_id, noticed_at, expected, got, missing from ingest.gateway_gap
where %(gateway)s::text is null or gateway_id = %(gateway)s order by id desc limit %(limit)s;

-- name: refusals
select gateway_id, received_at, topic, address, reason, detail, payload from ingest.gateway_refusal
where %(gateway)s::text is null or gateway_id = %(gateway)s order by id desc limit %(limit)s;

-- name: unmapped_fields
select gateway_id, profile, field, example, count, first_at, last_at from ingest.gateway_unmapped
order by last_at desc, gateway_id, field limit %(limit)s;

-- name: unmapped_codes
select code_list, code, events, units, last_at from ingest.unmapped_codes(%s) order by events desc, code_list, code;
