-- name: views
select id, name, query from maintenance.saved_view order by name;

-- name: save
insert into maintenance.saved_view (account_id, name, query, created_at) values (%s, %s, %s, %s);

-- name: forget_name
delete from maintenance.saved_view where name = %s;

-- name: forget
delete from maintenance.saved_view where id = %s;
