-- Null said by the device is not absence: one bit per signal in the order of the catalogue, bit 62 for a list of codes
-- that was sent (also an empty one). What was judged can so be judged again from the store.
alter table ingest.reading_lift add column unknown bigint not null default 0;
alter table ingest.reading_escalator add column unknown bigint not null default 0;
alter table ingest.reading_boiler add column unknown bigint not null default 0;
alter table ingest.reading_pressure_vessel add column unknown bigint not null default 0;
alter table ingest.reading_crane add column unknown bigint not null default 0;
alter table ingest.reading_ropeway add column unknown bigint not null default 0;
alter table ingest.reading_amusement_ride add column unknown bigint not null default 0;
alter table ingest.reading_vehicle add column unknown bigint not null default 0;
