-- name: insert_note
insert into ingest.account_note (at, counts, seqs, sessions) values (%s, %s, %s, %s);

-- name: take_turn
lock table ingest.seq_state in share row exclusive mode;

-- name: take_notes
with taken as (delete from ingest.account_note where id in (
    select id from ingest.account_note order by id limit %s) returning id, at, counts, seqs, sessions)
select (extract(epoch from at) * 1000000)::bigint, counts, seqs, sessions from taken order by id;

-- name: add_unit_hours
insert into ingest.unit_hour (hour, unit_no, received, stored, duplicates, quarantined, redelivered, late, unusable_clock)
select to_timestamp(hour * 3600.0), unit_no, received, stored, duplicates, quarantined, redelivered, late, unusable
from unnest(%s::bigint[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    n(hour, unit_no, received, stored, duplicates, quarantined, redelivered, late, unusable)
on conflict (unit_no, hour) do update set
    received = unit_hour.received + excluded.received, stored = unit_hour.stored + excluded.stored,
    duplicates = unit_hour.duplicates + excluded.duplicates, quarantined = unit_hour.quarantined + excluded.quarantined,
    redelivered = unit_hour.redelivered + excluded.redelivered, late = unit_hour.late + excluded.late,
    unusable_clock = unit_hour.unusable_clock + excluded.unusable_clock;

-- name: add_hours
insert into ingest.hour_total (hour, received, stored, duplicates, quarantined, redelivered, late, unusable_clock)
select to_timestamp(hour * 3600.0), received, stored, duplicates, quarantined, redelivered, late, unusable
from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    n(hour, received, stored, duplicates, quarantined, redelivered, late, unusable)
on conflict (hour) do update set
    received = hour_total.received + excluded.received, stored = hour_total.stored + excluded.stored,
    duplicates = hour_total.duplicates + excluded.duplicates, quarantined = hour_total.quarantined + excluded.quarantined,
    redelivered = hour_total.redelivered + excluded.redelivered, late = hour_total.late + excluded.late,
    unusable_clock = hour_total.unusable_clock + excluded.unusable_clock;

-- name: counters
select unit_no, highest, (extract(epoch from highest_at) * 1000000)::bigint, restarts, filled, forgotten, session_is_new
from ingest.seq_state where unit_no = any(%s);

-- name: gaps
select unit_no, first_seq, last_seq, (extract(epoch from noticed_at) * 1000000)::bigint,
       (extract(epoch from before_at) * 1000000)::bigint, (extract(epoch from after_at) * 1000000)::bigint
from ingest.seq_gap where unit_no = any(%s) order by unit_no, id;

-- name: save_counters
insert into ingest.seq_state (unit_no, highest, highest_at, restarts, filled, forgotten, session_is_new)
select unit_no, highest, timestamptz 'epoch' + at_us * interval '1 microsecond', restarts, filled, forgotten, session_is_new
from unnest(%s::int[], %s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::bigint[], %s::bool[])
    n(unit_no, highest, at_us, restarts, filled, forgotten, session_is_new)
on conflict (unit_no) do update set highest = excluded.highest, highest_at = excluded.highest_at,
    restarts = excluded.restarts, filled = excluded.filled, forgotten = excluded.forgotten,
    session_is_new = excluded.session_is_new;

-- name: delete_gaps
delete from ingest.seq_gap where unit_no = any(%s);

-- name: insert_gaps
insert into ingest.seq_gap (unit_no, first_seq, last_seq, noticed_at, before_at, after_at)
select unit_no, first_seq, last_seq, timestamptz 'epoch' + noticed * interval '1 microsecond',
       timestamptz 'epoch' + before * interval '1 microsecond', timestamptz 'epoch' + after * interval '1 microsecond'
from unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    n(unit_no, first_seq, last_seq, noticed, before, after);
