-- name: newest_anchor
select received_at from maintenance.checkpoint_anchor order by id desc limit 1;

-- name: newest_checkpoint
select size, at, note from equipment.log_checkpoint where size > 0 order by size desc, at desc limit 1;

-- name: insert_anchor
insert into maintenance.checkpoint_anchor (size, at, token, stamped_at, authority, received_at)
values (%s, %s, %s, %s, %s, %s);

-- name: anchors
select a.size, a.stamped_at, a.authority, a.token, c.note from maintenance.checkpoint_anchor a
join equipment.log_checkpoint c on c.size = a.size and c.at = a.at order by a.id;

-- name: oldest_covering
select a.size, a.stamped_at, a.authority, a.token, c.note from maintenance.checkpoint_anchor a
join equipment.log_checkpoint c on c.size = a.size and c.at = a.at where a.size > %s order by a.size, a.id limit 1;
