-- name: kind_of
select kind from equipment.unit where no = %s;

-- name: keep_window
insert into maintenance.hazard_window (hazard_id, since, until, courses, sha256, kept_at) values (%s, %s, %s, %s, %s, %s);

-- name: window_of
select since, until, courses, encode(sha256, 'hex') from maintenance.hazard_window where hazard_id = %s;
