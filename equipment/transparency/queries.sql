-- name: seal
select equipment.seal(%s, %s, %s, %s, %s);

-- name: seal_many
select equipment.seal_many(%s, %b, %b, %b, %s);

-- name: opening
select equipment.opening_of(%s, %s);

-- name: erase
update equipment.log_opening set salt = null, erased_at = %s, erased_reason = %s
where kind = %s and subject = %s and salt is not null returning 1;

-- name: size
select coalesce(max(seq) + 1, 0) from equipment.log_entry;

-- name: take_pending
delete from equipment.log_pending where id in (select id from equipment.log_pending order by id limit %s)
returning id, kind, subject, commitment, at;

-- name: insert_entries
insert into equipment.log_entry (seq, kind, subject, commitment, at, sequenced_at)
select seq, kind, subject, commitment, at, %(now)s
from unnest(%(seq)s::bigint[], %(kind)s::text[], %(subject)s::text[], %(commitment)s::bytea[], %(at)s::timestamptz[])
    as e(seq, kind, subject, commitment, at);

-- name: tile
select hashes from equipment.log_tile where level = %s and index = %s;

-- name: upsert_tile
insert into equipment.log_tile (level, index, hashes) values (%s, %s, %s)
on conflict (level, index) do update set hashes = excluded.hashes;

-- name: insert_checkpoint
insert into equipment.log_checkpoint (size, at, root, key_id, note) values (%s, %s, %s, %s, %s);

-- name: newest_checkpoint
select size, at, note from equipment.log_checkpoint order by size desc, at desc limit 1;

-- name: checkpoint_covering
select size, at, note from equipment.log_checkpoint where size > %s order by size, at limit 1;

-- name: checkpoints
select size, at, root, key_id, note from equipment.log_checkpoint order by size, at;

-- name: positions
select seq, kind, subject, commitment, at from equipment.log_entry where subject = %s and kind = %s order by seq;

-- name: entries
select seq, kind, subject, commitment, at from equipment.log_entry where seq >= %s order by seq limit %s;

-- name: opened_entries
select e.seq, e.kind, e.subject, e.commitment, e.at, o.kind is not null, o.salt from equipment.log_entry e
left join equipment.log_opening o on o.kind = e.kind and o.subject = e.subject
where e.seq >= %s order by e.seq limit %s;

-- name: entry
select seq, kind, subject, commitment, at from equipment.log_entry where seq = %s;

-- name: register_key
insert into equipment.signing_key (id, owner, organisation_id, name, algorithm, public_key, valid_from, registered_by)
values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do nothing returning id;

-- name: revoke_key
update equipment.signing_key set revoked_at = %s, revoked_reason = %s where id = %s and revoked_at is null returning id;

-- name: key
select id, name, algorithm, public_key, valid_from, revoked_at from equipment.signing_key where id = %s;

-- name: keys
select id, name, algorithm, public_key, valid_from, revoked_at from equipment.signing_key
where owner = %s and organisation_id is not distinct from %s order by valid_from, id;
