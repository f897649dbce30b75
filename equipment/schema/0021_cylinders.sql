-- 气瓶: one cylinder, one code. Two million rows, updated at every fill: no index holds a column that a fill changes,
-- so that the update stays within its page.
create table equipment.cylinder (
    no integer generated always as identity primary key,
    station_id bigint not null references equipment.filling_station,   -- 产权充装单位
    code text unique check (code ~ '^[0-9A-Za-z-]{4,40}$'),             -- null: known from its registration, not yet tagged
    maker_code text not null,
    serial text not null,
    make_date date not null,
    variety_code text not null check (variety_code in ('2310', '2320', '23T0')),
    medium text not null,
    volume_l real check (volume_l > 0 and volume_l < 'infinity'),
    nominal_pressure_mpa real check (nominal_pressure_mpa > 0 and nominal_pressure_mpa < 'infinity'),
    tare_kg real check (tare_kg > 0 and tare_kg < 'infinity'),
    max_fill_kg real check (max_fill_kg > 0 and max_fill_kg < 'infinity'),
    certificate_no text,              -- 使用登记证编号
    last_inspection date,
    next_inspection date,             -- null: not known, or scrapped
    scrap_date date,                  -- first day on which it may no longer be filled
    state text not null default 'empty' check (state in ('empty', 'checked', 'filling', 'full', 'delivered', 'inspection',
        'repair', 'lost', 'frozen', 'scrapped')),
    frozen_from text,                 -- where it stood when it was frozen
    state_since timestamptz not null,
    last_fill_at timestamptz,         -- leads to its newest fill without a search
    registered_at timestamptz not null,
    changed_at timestamptz not null,
    unique (maker_code, serial),
    check ((state = 'frozen') = (frozen_from is not null))
) with (fillfactor = 85);
create index cylinder_by_station on equipment.cylinder (station_id, no);
create index cylinder_by_station_due on equipment.cylinder (station_id, next_inspection);
create index cylinder_by_due on equipment.cylinder (next_inspection);
create index cylinder_by_serial on equipment.cylinder (serial);

call equipment.protect('equipment.cylinder', 'station_id = any ((select equipment.stations_in_scope())::bigint[])',
    'select, insert, update (last_inspection, next_inspection, scrap_date, state, frozen_from, state_since, last_fill_at, changed_at)');
create policy registrars_insert on equipment.cylinder as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('use_unit_director', 'inspector', 'regulator'));
create policy handlers_update on equipment.cylinder as restrictive for update to teshe_scoped
    using (equipment.scope_role() in ('use_unit_director', 'use_unit_officer', 'inspector'));

-- 充装记录: pre-fill check, fill and post-fill check as one record, with the limits that held then. Append-only.
-- @time-partitioned equipment.cylinder_fill filled_at 30 days
create table equipment.cylinder_fill (
    filled_at timestamptz not null,
    checked_at timestamptz not null,           -- pre-fill check
    received_at timestamptz not null,
    station_id bigint not null,
    cylinder_no integer not null,
    empty_kg real,                             -- pre-fill weight
    residual_mpa real,                         -- residual pressure
    residual_kg real,                          -- residual content
    vacuum_mpa real,
    pressure_mpa real,
    full_kg real,
    net_kg real,
    reweigh_kg real,
    tare_kg real,                              -- limits as they were
    max_fill_kg real,
    inspection_due date,
    appearance_ok boolean,
    leak_free boolean,
    passed boolean not null,
    traced boolean not null,                   -- nothing of the trace is missing
    content bytea not null,                    -- digest: the same record sent again is recognised
    medium text not null,
    gun text,
    scale text,
    filler text,
    checker text,
    rechecker text,
    faults text[],                             -- why it did not pass
    note text,
    video_url text,
    primary key (cylinder_no, filled_at)
);
create index cylinder_fill_by_station on equipment.cylinder_fill (station_id, filled_at desc, cylinder_no desc);

-- 流转: every other change of a cylinder's state. Append-only.
-- @time-partitioned equipment.cylinder_event at 30 days
create table equipment.cylinder_event (
    at timestamptz not null,
    recorded_at timestamptz not null,
    station_id bigint not null,
    cylinder_no integer not null,
    account_id bigint,
    event text not null,
    from_state text not null,
    to_state text not null,
    reason text,
    detail jsonb not null default '{}',
    primary key (cylinder_no, at, event)
);

-- To whom it was delivered: personal data, apart from the history so that it can be erased.
create table equipment.cylinder_delivery (
    cylinder_no integer not null references equipment.cylinder,
    at timestamptz not null,
    station_id bigint not null references equipment.filling_station,
    recipient text not null,
    phone text,
    address text,
    primary key (cylinder_no, at)
);
create index cylinder_delivery_by_time on equipment.cylinder_delivery (at);

-- 拒充: evidence of what was tried, by value. Append-only.
create table equipment.cylinder_refusal (
    id bigint generated always as identity primary key,
    at timestamptz not null,                   -- of the fill or of the check, as the station says
    recorded_at timestamptz not null,
    station_id bigint not null references equipment.filling_station,
    cylinder_no integer,                       -- null: nobody registered the code
    code text not null,
    stage text not null check (stage in ('check', 'fill')),   -- fill: the gas is in the cylinder
    medium text not null,
    reasons text[] not null check (cardinality(reasons) > 0),
    clause text,                               -- of GB 45067-2024 where it is a major hazard
    account_id bigint,
    record jsonb not null,
    judged jsonb not null                      -- the cylinder and the licence as they stood
);
create index cylinder_refusal_by_station on equipment.cylinder_refusal (station_id, id desc);
create index cylinder_refusal_by_cylinder on equipment.cylinder_refusal (cylinder_no, at);

-- The answer to a call of a filling system, for when it asks the same again.
create table equipment.fill_batch (
    station_id bigint not null references equipment.filling_station,
    idempotency_key text not null,
    content bytea not null,
    answer jsonb not null,
    received_at timestamptz not null,
    primary key (station_id, idempotency_key)
);
create index fill_batch_by_time on equipment.fill_batch (received_at);

do $$
declare name text;
begin
    foreach name in array array['cylinder_fill', 'cylinder_event', 'cylinder_refusal'] loop
        execute format('create trigger %I before update or delete or truncate on equipment.%I
            for each statement execute function equipment.refuse_change()', name || '_append_only', name);
    end loop;
end $$;

call equipment.protect('equipment.cylinder_delivery', 'station_id = any ((select equipment.stations_in_scope())::bigint[])', 'select, insert');
call equipment.protect('equipment.cylinder_refusal', 'station_id = any ((select equipment.stations_in_scope())::bigint[])', 'select, insert');
call equipment.protect('equipment.fill_batch', 'station_id = any ((select equipment.stations_in_scope())::bigint[])', 'select, insert');
do $$
declare name text;
begin
    foreach name in array array['cylinder_delivery', 'cylinder_refusal', 'fill_batch'] loop
        execute format('create policy own_station_insert on equipment.%I as restrictive for insert to teshe_scoped
            with check (station_id = equipment.scope_organisation()
                        and equipment.scope_role() in (''use_unit_director'', ''use_unit_officer''))', name);
    end loop;
end $$;
-- Fills and events are cut along time: row security does not reach their chunks, so people read them through functions.
grant select, insert on equipment.cylinder_fill, equipment.cylinder_event to teshe_system;
