-- name: size_of
select size from maintenance.attachment where unit_no = %s and sha256 = %s;

-- name: content_of
select type, content from maintenance.attachment where unit_no = %s and sha256 = %s;

-- name: part_of
select size, content from maintenance.attachment_part where unit_no = %s and sha256 = %s and account_id = %s for update;

-- name: part_length
select length(content) from maintenance.attachment_part where unit_no = %s and sha256 = %s and account_id = %s;

-- name: begin_part
insert into maintenance.attachment_part (unit_no, sha256, account_id, size, content, changed_at)
values (%(unit_no)s, %(sha256)s, %(account)s, %(size)s, '', %(now)s) on conflict do nothing;

-- name: add_piece
update maintenance.attachment_part set content = content || %(piece)s, changed_at = %(now)s
where unit_no = %(unit_no)s and sha256 = %(sha256)s and account_id = %(account)s;

-- name: drop_part
delete from maintenance.attachment_part where unit_no = %s and sha256 = %s and account_id = %s;

-- name: keep
insert into maintenance.attachment (unit_no, sha256, type, size, content, account_id, received_at)
values (%(unit_no)s, %(sha256)s, %(type)s, %(size)s, %(content)s, %(account)s, %(now)s) on conflict do nothing;

-- name: erased
select reason from maintenance.erasure where kind = 'photo' and subject = %s and unit_no = %s limit 1;
