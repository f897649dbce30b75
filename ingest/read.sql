-- name: recent_rows
select * from ingest.recent_rows(%s, %s, %s);

-- name: series
select at, value from ingest.series(%s, %s, %s, %s, %s, %s);
