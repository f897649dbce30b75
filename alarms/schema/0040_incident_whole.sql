-- 应急事件 whole: what kind of event it was in truth, who is hurt, what was asked, and what may stand beside what.
alter table alarms.incident
    add column nature text not null default 'real' check (nature in ('real', 'drill', 'test', 'supplement')), -- 演练 测试 补录
    add column serious_injuries integer check (serious_injuries >= 0),
    add column triage jsonb not null default '{}',     -- 询问卡: age, injury, floor, light
    add column departed_at timestamptz,                -- 出发
    add column touched_at timestamptz,                 -- the newest source after the first; windows of time run from it
    add column reassure_by timestamptz,                -- 安抚回拨: the next word to those inside
    add column release_mode text check (release_mode in ('firm', 'property', 'self', 'station', 'fire_brigade', 'other')),
    add column split_from bigint references alarms.incident,
    add constraint incident_counts check (trapped >= 0 and injured >= 0 and suspected_dead >= 0);
-- two events of one lift may be open: an old fault report, and people trapped in it today. An advisory lock per unit keeps
-- the same event from being opened twice.
drop index alarms.incident_one_open_per_unit;
create index incident_open_by_unit on alarms.incident (unit_no, opened_at)
    where state not in ('closed', 'cancelled', 'auto_cleared', 'merged');

-- An order (派单) in full: on the way, on site and where, how each was known, and why this organisation.
alter table alarms.dispatch
    add column departed_at timestamptz,                -- 出发
    add column answered_how text,                      -- phone, firm_app, voice, sms_link, seat
    add column arrived_how text,                       -- phone, firm_app, geofence, seat
    add column arrived_lon double precision,
    add column arrived_lat double precision,
    add column arrived_accuracy_m real,
    add column arrived_distance_m real,                -- from the lift; null: one of the two places is unknown
    add column refused_reason text,
    add column ended_at timestamptz,                   -- freed, cancelled, or a higher level has come
    add column choice jsonb not null default '{}';     -- distance_km, on_duty, passed over and why
create index dispatch_running on alarms.dispatch (answer_by, arrive_by)
    where arrived_at is null and escalated_at is null and ended_at is null;

-- Whoever was ordered sees the event, its place and its story, also where the lift is another firm's.
create function alarms.ordered_to(incident bigint, organisation bigint) returns boolean
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select exists (select 1 from alarms.dispatch d where d.incident_id = incident and d.organisation_id = organisation)
$$;
revoke all on function alarms.ordered_to(bigint, bigint) from public;
grant execute on function alarms.ordered_to(bigint, bigint) to teshe_scoped, teshe_system;
create policy ordered on alarms.incident to teshe_scoped
    using (equipment.scope_kind() = 'firm' and alarms.ordered_to(id, equipment.scope_organisation()));
create policy ordered on alarms.incident_event to teshe_scoped
    using (equipment.scope_kind() = 'firm' and alarms.ordered_to(incident_id, equipment.scope_organisation()));

-- What those who were ordered must know of the lift: no register beyond it.
create function alarms.order_place(incident bigint)
returns table (unit_id text, name text, rescue_code text, place_name text, building text, entrance text, address text,
               lon double precision, lat double precision, use_unit text, use_unit_phone text)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select u.id, u.name, u.rescue_code, u.place_name, u.building, u.entrance, u.address, u.lon, u.lat, o.name, o.duty_phone
    from alarms.incident i join equipment.unit u on u.no = i.unit_no
    left join equipment.organisation o on o.id = u.use_org_id
    where i.id = incident and (not equipment.is_scoped()
        or alarms.ordered_to(i.id, equipment.scope_organisation()) or equipment.scope_kind() = 'jurisdiction')
$$;
revoke all on function alarms.order_place(bigint) from public;
grant execute on function alarms.order_place(bigint) to teshe_scoped, teshe_system;

-- Somebody has taken an order of this event and has neither refused nor gone home.
create function alarms.somebody_comes(incident bigint) returns boolean stable language sql as $$
    select exists (select 1 from alarms.dispatch d where d.incident_id = incident and d.answered_at is not null
                   and d.refused_at is null and d.ended_at is null)
$$;
revoke all on function alarms.somebody_comes(bigint) from public;
grant execute on function alarms.somebody_comes(bigint) to teshe_scoped, teshe_system;
