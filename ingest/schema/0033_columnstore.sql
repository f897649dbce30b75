-- requires: timescale-community
-- 列存压缩: chunks of samples older than a week are kept by column, one segment per unit; late samples still enter.
alter table ingest.reading_lift set (timescaledb.compress, timescaledb.compress_segmentby = 'unit_no', timescaledb.compress_orderby = 'ts, channel, seq');
select add_compression_policy('ingest.reading_lift', interval '7 days', if_not_exists => true);
alter table ingest.reading_escalator set (timescaledb.compress, timescaledb.compress_segmentby = 'unit_no', timescaledb.compress_orderby = 'ts, channel, seq');
select add_compression_policy('ingest.reading_escalator', interval '7 days', if_not_exists => true);
alter table ingest.reading_boiler set (timescaledb.compress, timescaledb.compress_segmentby = 'unit_no', timescaledb.compress_orderby = 'ts, channel, seq');
select add_compression_policy('ingest.reading_boiler', interval '7 days', if_not_exists => true);
alter table ingest.reading_pressure_vessel set (timescaledb.compress, timescaledb.compress_segmentby = 'unit_no', timescaledb.compress_orderby = 'ts, channel, seq');
select add_compression_policy('ingest.reading_pressure_vessel', interval '7 days', if_not_exists => true);
alter table ingest.reading_crane set (timescaledb.compress, timescaledb.compress_segmentby = 'unit_no', timescaledb.compress_orderby = 'ts, channel, seq');
select add_compression_policy('ingest.reading_crane', interval '7 days', if_not_exists => true);
alter table ingest.reading_ropeway set (timescaledb.compress, timescaledb.compress_segmentby = 'unit_no', timescaledb.compress_orderby = 'ts, channel, seq');
select add_compression_policy('ingest.reading_ropeway', interval '7 days', if_not_exists => true);
alter table ingest.reading_amusement_ride set (timescaledb.compress, timescaledb.compress_segmentby = 'unit_no', timescaledb.compress_orderby = 'ts, channel, seq');
select add_compression_policy('ingest.reading_amusement_ride', interval '7 days', if_not_exists => true);
alter table ingest.reading_vehicle set (timescaledb.compress, timescaledb.compress_segmentby = 'unit_no', timescaledb.compress_orderby = 'ts, channel, seq');
select add_compression_policy('ingest.reading_vehicle', interval '7 days', if_not_exists => true);
