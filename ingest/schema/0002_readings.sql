-- Generated from the signal catalogue (teshe catalogue schema); a test compares the two.

-- 电梯
-- @time-partitioned ingest.reading_lift ts 1 days
create table ingest.reading_lift (
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical
    primary key (unit_no, ts, channel, seq),
    service_mode smallint,
    car_moving boolean,
    car_direction smallint,
    door_zone boolean,
    door_closed boolean,
    passenger boolean,
    car_position text,
    speed_m_s real check (speed_m_s <> 'NaN'),
    levelling_error_mm real check (levelling_error_mm <> 'NaN'),
    run_count integer,
    door_cycles integer,
    total_running_hours real check (total_running_hours <> 'NaN'),
    power_source smallint,
    safety_chain_closed boolean,
    alarm_button boolean,
    machine_room_temp_c real check (machine_room_temp_c <> 'NaN'),
    vibration_rms_mm_s real check (vibration_rms_mm_s <> 'NaN'),
    load_percent real check (load_percent <> 'NaN')
);
create index reading_lift_by_batch on ingest.reading_lift (shard, batch);
grant select, insert, delete on ingest.reading_lift to teshe_system;

-- 自动扶梯和自动人行道
-- @time-partitioned ingest.reading_escalator ts 1 days
create table ingest.reading_escalator (
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical
    primary key (unit_no, ts, channel, seq),
    service_mode smallint,
    running boolean,
    direction smallint,
    commanded_direction smallint,
    speed_m_s real check (speed_m_s <> 'NaN'),
    handrail_left_m_s real check (handrail_left_m_s <> 'NaN'),
    handrail_right_m_s real check (handrail_right_m_s <> 'NaN'),
    missing_step boolean,
    comb_plate_open boolean,
    emergency_stop boolean,
    floor_cover_open boolean,
    stopping_distance_m real check (stopping_distance_m <> 'NaN'),
    run_count integer,
    total_running_hours real check (total_running_hours <> 'NaN')
);
create index reading_escalator_by_batch on ingest.reading_escalator (shard, batch);
grant select, insert, delete on ingest.reading_escalator to teshe_system;

-- 锅炉
-- @time-partitioned ingest.reading_boiler ts 1 days
create table ingest.reading_boiler (
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical
    primary key (unit_no, ts, channel, seq),
    firing boolean,
    steam_pressure_mpa real check (steam_pressure_mpa <> 'NaN'),
    water_temp_c real check (water_temp_c <> 'NaN'),
    water_level_mm real check (water_level_mm <> 'NaN'),
    flame_ok boolean,
    exhaust_temp_c real check (exhaust_temp_c <> 'NaN'),
    feed_pump_running boolean
);
create index reading_boiler_by_batch on ingest.reading_boiler (shard, batch);
grant select, insert, delete on ingest.reading_boiler to teshe_system;

-- 压力容器
-- @time-partitioned ingest.reading_pressure_vessel ts 1 days
create table ingest.reading_pressure_vessel (
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical
    primary key (unit_no, ts, channel, seq),
    pressure_mpa real check (pressure_mpa <> 'NaN'),
    temp_c real check (temp_c <> 'NaN'),
    level_percent real check (level_percent <> 'NaN'),
    quick_door_locked boolean
);
create index reading_pressure_vessel_by_batch on ingest.reading_pressure_vessel (shard, batch);
grant select, insert, delete on ingest.reading_pressure_vessel to teshe_system;

-- 起重机械
-- @time-partitioned ingest.reading_crane ts 1 days
create table ingest.reading_crane (
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical
    primary key (unit_no, ts, channel, seq),
    operating boolean,
    load_percent real check (load_percent <> 'NaN'),
    moment_percent real check (moment_percent <> 'NaN'),
    wind_m_s real check (wind_m_s <> 'NaN'),
    height_m real check (height_m <> 'NaN'),
    upper_limit boolean
);
create index reading_crane_by_batch on ingest.reading_crane (shard, batch);
grant select, insert, delete on ingest.reading_crane to teshe_system;

-- 客运索道
-- @time-partitioned ingest.reading_ropeway ts 1 days
create table ingest.reading_ropeway (
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical
    primary key (unit_no, ts, channel, seq),
    running boolean,
    speed_m_s real check (speed_m_s <> 'NaN'),
    wind_m_s real check (wind_m_s <> 'NaN'),
    rope_tension_kn real check (rope_tension_kn <> 'NaN'),
    safety_circuit_closed boolean
);
create index reading_ropeway_by_batch on ingest.reading_ropeway (shard, batch);
grant select, insert, delete on ingest.reading_ropeway to teshe_system;

-- 大型游乐设施
-- @time-partitioned ingest.reading_amusement_ride ts 1 days
create table ingest.reading_amusement_ride (
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical
    primary key (unit_no, ts, channel, seq),
    running boolean,
    speed_m_s real check (speed_m_s <> 'NaN'),
    restraints_locked boolean,
    wind_m_s real check (wind_m_s <> 'NaN'),
    emergency_stop boolean
);
create index reading_amusement_ride_by_batch on ingest.reading_amusement_ride (shard, batch);
grant select, insert, delete on ingest.reading_amusement_ride to teshe_system;

-- 场(厂)内专用机动车辆
-- @time-partitioned ingest.reading_vehicle ts 1 days
create table ingest.reading_vehicle (
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical
    primary key (unit_no, ts, channel, seq),
    speed_km_h real check (speed_km_h <> 'NaN'),
    load_percent real check (load_percent <> 'NaN'),
    seat_belt_fastened boolean,
    driver_identified boolean,
    in_fence boolean
);
create index reading_vehicle_by_batch on ingest.reading_vehicle (shard, batch);
grant select, insert, delete on ingest.reading_vehicle to teshe_system;
