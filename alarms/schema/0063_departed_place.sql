-- 出发位置: where a team was when it said that it sets out; sent at that press only, like the place of its arrival.
alter table alarms.dispatch
    add column departed_lon double precision,
    add column departed_lat double precision,
    add column departed_accuracy_m real;
