-- name: recent_rows
select * from ingest.recent_rows(%s, %s, %s);

-- name: count_samples
select ingest.count_samples(%s, %s, %s, %s, %s);

-- name: sample_points
select at, value, low, high, samples from ingest.sample_points(%s, %s, %s, %s, %s, %s, %s);

-- name: rollup_points
select at, value, low, high, samples from ingest.rollup_points(%s, %s, %s, %s, %s, %s, %s, %s);

-- name: complete_from
select ingest.complete_from();
