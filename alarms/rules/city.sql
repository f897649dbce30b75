-- name: newest_edit
select coalesce((select max(id) from alarms.city_rule), 0), coalesce((select max(id) from alarms.setting), 0);

-- name: rules_in_force
select distinct on (rule) id, rule, version, definition, author, reason, created_at from alarms.city_rule
order by rule, version desc;

-- name: newest_version
select id, rule, version, definition, author, reason, created_at from alarms.city_rule where rule = %s
order by version desc limit 1;

-- name: versions
select id, rule, version, definition, author, reason, created_at from alarms.city_rule where rule = %s
order by version desc;

-- name: lock_rule
select pg_advisory_xact_lock(hashtextextended('city-rule:' || %s, 0));

-- name: insert_rule
insert into alarms.city_rule (rule, version, definition, account_id, author, reason, created_at)
values (%s, %s, %s, %s, %s, %s, %s);

-- name: settings
select distinct on (jurisdiction_id, name) jurisdiction_id, name, value, author, reason, created_at from alarms.setting
order by jurisdiction_id, name, id desc;

-- name: edits_of_settings
select s.jurisdiction_id, s.name, s.value, s.author, s.reason, s.created_at from alarms.setting s order by s.id desc limit %s;

-- name: in_own_area
select 1 from equipment.jurisdiction where id = %s and starts_with(path, equipment.scope_path());

-- name: insert_setting
insert into alarms.setting (jurisdiction_id, name, value, account_id, author, reason, created_at)
values (%s, %s, %s, %s, %s, %s, %s);
