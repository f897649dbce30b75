-- Where a chart's points come from: samples, or the rollup that gives as many points as were asked for. The scope of the
-- caller decides, as in 0003; the level that was used is told.

create function ingest.rollup_table(kind text, level text) returns regclass
stable set search_path = pg_catalog, pg_temp language sql as $$
    select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'ingest' and c.relname = 'rollup_' || level || '_' || kind and c.relkind in ('r', 'p', 'v')
$$;

-- How many samples of a unit lie in a span, counted no further than ``most``.
create function ingest.count_samples(kind text, wanted integer, since timestamptz, until timestamptz, most integer) returns integer
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    source regclass := ingest.reading_table(kind);
    found integer := 0;
begin
    if source is null or not equipment.unit_in_scope(wanted) then return 0; end if;
    execute format('select count(*) from (select 1 from %s where unit_no = $1 and ts >= $2 and ts < $3 limit $4) s', source)
        into found using wanted, since, until, most;
    return found;
end $$;

-- Samples in at most ``most`` slices of equal count: the newest value of each, its time, and its least and greatest value,
-- so that no peak is lost. Texts and codes have no least and greatest.
create function ingest.sample_points(kind text, wanted integer, signal text, since timestamptz, until timestamptz, most integer, ordered boolean)
returns table (at timestamptz, value jsonb, low jsonb, high jsonb, samples bigint)
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    source regclass := ingest.reading_table(kind);
    extremes text := case when ordered then format('to_jsonb(min(%1$I::double precision)), to_jsonb(max(%1$I::double precision))', signal)
                     else 'null::jsonb, null::jsonb' end;
begin
    if source is null or not equipment.unit_in_scope(wanted) then return; end if;
    return query execute format(
        'select ingest.newest(server_time order by ts, channel, seq), to_jsonb(ingest.newest(%1$I order by ts, channel, seq)), %3$s, count(*)
         from (select %1$I, ts, channel, seq, server_time, ntile($4) over (order by ts, channel, seq) as slice
               from %2$s where unit_no = $1 and ts >= $2 and ts < $3 and %1$I is not null) p
         group by slice order by 1', signal, source, extremes) using wanted, since, until, most;
end $$;

-- Buckets of a rollup, moved to the server's time axis. A bool's mean is the share of samples that were true.
create function ingest.rollup_points(kind text, level text, wanted integer, signal text, since timestamptz, until timestamptz, most integer, ordered boolean)
returns table (at timestamptz, value jsonb, low jsonb, high jsonb, samples bigint)
stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    source regclass := ingest.rollup_table(kind, level);
    numbers text := case when ordered
        then format('to_jsonb(sum(%1$I) / sum(%2$I)), to_jsonb(min(%3$I)), to_jsonb(max(%4$I))', signal || '_sum', signal || '_count', signal || '_min', signal || '_max')
        else format('to_jsonb(sum(%1$I)::double precision / sum(%2$I)::double precision), to_jsonb((min(case when %1$I < %2$I then 0 else 1 end))), to_jsonb(max(case when %1$I > 0 then 1 else 0 end))', signal || '_true', signal || '_count') end;
begin
    if source is null or not equipment.unit_in_scope(wanted) then return; end if;
    return query execute format(
        'select min(bucket + coalesce(clock_shift, interval ''0'')), %1$s, sum(%2$I)::bigint
         from (select *, ntile($4) over (order by bucket) as slice from %3$s
               where unit_no = $1 and bucket >= $2 and bucket < $3 and %2$I > 0) b
         group by slice order by 1', numbers, signal || '_count', source) using wanted, since, until, most;
end $$;

revoke all on function ingest.count_samples(text, integer, timestamptz, timestamptz, integer),
    ingest.sample_points(text, integer, text, timestamptz, timestamptz, integer, boolean),
    ingest.rollup_points(text, text, integer, text, timestamptz, timestamptz, integer, boolean) from public;
grant execute on function ingest.count_samples(text, integer, timestamptz, timestamptz, integer),
    ingest.sample_points(text, integer, text, timestamptz, timestamptz, integer, boolean),
    ingest.rollup_points(text, text, integer, text, timestamptz, timestamptz, integer, boolean) to teshe_scoped, teshe_system;
grant execute on function ingest.rollup_table(text, text) to teshe_scoped, teshe_system;
drop function ingest.series(text, integer, text, timestamptz, timestamptz, integer);
