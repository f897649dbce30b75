-- name: insert_account
insert into equipment.account (login, display_name, password_hash, role, organisation_id, jurisdiction_id, person_id, created_at)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: account_for_login
select id, password_hash, failed_attempts, locked_until from equipment.account_for_login(%s);

-- name: note_login
select equipment.note_login(%s, %s, %s);

-- name: open_session
select equipment.open_session(%s, %s, %s, %s, %s);

-- name: session_asker
select account_id, login, display_name, role, organisation_id, scope_path, csrf from equipment.session_asker(%s, %s);

-- name: close_session
select equipment.close_session(%s);

-- name: issue_token
select equipment.issue_token(%s, %s, %s, %s, %s, %s, %s);

-- name: token_asker
select account_id, login, display_name, role, organisation_id, scope_path, actions from equipment.token_asker(%s, %s, %s);

-- name: audit
insert into equipment.audit_entry (entry_id, at, account_id, action, subject, reason, before, after, origin)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: set_scope
select set_config('teshe.scope_kind', %s, true), set_config('teshe.scope_path', %s, true),
       set_config('teshe.organisation', %s, true), set_config('teshe.role', %s, true), set_config('teshe.account', %s, true);

-- name: set_own_password
select equipment.set_own_password(%s, %s);

-- name: revoke_token
update equipment.api_token set revoked_at = %s where id = %s and revoked_at is null;

-- name: forget_sessions
delete from equipment.login_session where expires_at <= %s;

-- name: audit_entries
select entry_id::text, at, account_id, action, subject, reason, before, after, origin from equipment.audit_entry
where entry_id = any(%s::uuid[]);
