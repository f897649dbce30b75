-- name: insert_account
insert into equipment.account (login, display_name, password_hash, role, organisation_id, jurisdiction_id, person_id, created_at)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- name: account_for_login
select id, password_hash, failed_attempts, locked_until from equipment.account_for_login(%s, %s);

-- name: note_login
select equipment.note_login(%s, %s, %s);

-- name: open_session
select equipment.open_session(%s, %s, %s, %s, %s);

-- name: session_asker
select account_id, login, display_name, role, organisation_id, scope_path, csrf, must_change from equipment.session_asker(%s, %s);

-- name: close_session
select equipment.close_session(%s);

-- name: issue_token
select equipment.issue_token(%s, %s, %s, %s, %s, %s, %s);

-- name: token_asker
select account_id, login, display_name, role, organisation_id, scope_path, actions from equipment.token_asker(%s, %s, %s);

-- name: audit
insert into equipment.audit_entry (entry_id, at, account_id, action, subject, reason, before, after, origin)
select t.entry_id, %(at)s, %(account)s, t.action, t.subject, t.reason, t.before, t.after, t.origin
from unnest(%(entries)b::uuid[], %(actions)b::text[], %(subjects)b::text[], %(reasons)b::text[], %(befores)b::jsonb[],
            %(afters)b::jsonb[], %(origins)b::text[])
    with ordinality as t(entry_id, action, subject, reason, before, after, origin, position)
order by t.position;

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

-- name: end_own_session
select equipment.end_own_session(%s);

-- name: own_sessions
select id, created_at, last_seen_at, expires_at from equipment.login_session
where account_id = equipment.scope_account() and expires_at > %s order by last_seen_at desc;

-- name: add_account
select equipment.add_account(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: reset_account
select equipment.reset_account(%s, %s, %s, %s);

-- name: disable_account
select equipment.disable_account(%s, %s, %s);

-- name: has_accounts
select exists (select 1 from equipment.account);

-- name: account_by_login
select id, login, display_name, role, organisation_id, jurisdiction_id, holder, active, must_change, valid_until, locked_until,
       disabled_reason, created_at from equipment.account where login = %s;

-- name: account_by_id
select id, login, display_name, role, organisation_id, jurisdiction_id, holder, active, must_change, valid_until, locked_until,
       disabled_reason, created_at from equipment.account where id = %s;

-- name: accounts
select id, login, display_name, role, organisation_id, jurisdiction_id, holder, active, must_change, valid_until, locked_until,
       disabled_reason, created_at from equipment.account order by active desc, login;

-- name: take_delivery
select equipment.take_delivery(%s, %s, %s);

-- name: forget_deliveries
delete from equipment.webhook_delivery where taken_at < %s;

-- name: factor_of
select sealed, confirmed, last_step from equipment.factor_of(%s);

-- name: use_step
select equipment.use_step(%s, %s);

-- name: use_recovery
select equipment.use_recovery(%s, %s, %s);

-- name: offer_factor
select equipment.offer_factor(%s, %s);

-- name: confirm_factor
select equipment.confirm_factor(%s, %s, %s);

-- name: drop_factor
select equipment.drop_factor(%s);

-- name: recovery_codes_left
select count(*) from equipment.recovery_code where account_id = equipment.scope_account() and used_at is null;

-- name: grant_assignment
select equipment.grant_assignment(%s, %s, %s, %s, %s, %s, %s);

-- name: end_assignment
select equipment.end_assignment(%s, %s);

-- name: take_up
select equipment.take_up(%s, %s, %s);

-- name: assignments
select d.id, d.account_id, d.jurisdiction_id, d.kind, d.since, d.until, d.reason, d.ended_at,
       equipment.assignment_holds(d, %(now)s) as holds
from equipment.assignment d where d.account_id = %(account)s order by d.since desc, d.id desc;

-- name: begin_sign_in
select equipment.begin_sign_in(%s, %s, %s, %s, %s, %s, %s, %s);

-- name: take_sign_in
select nonce, verifier, back, account_id from equipment.take_sign_in(%s, %s, %s);

-- name: account_of_subject
select account_id, role, has_factor from equipment.account_of_subject(%s, %s, %s);

-- name: link_subject
select equipment.link_subject(%s, %s, %s, %s);

-- name: unlink_subjects
select equipment.unlink_subjects(%s);

-- name: own_subject
select subject, linked_at from equipment.account_subject where account_id = equipment.scope_account() and issuer = %s;

-- name: issue_download_link
select equipment.issue_download_link(%s, %s, %s, %s, %s, %s, %s);

-- name: take_download_link
select account_id, login, display_name, role, organisation_id, scope_path, purpose, action, address, expires_at
from equipment.take_download_link(%s, %s, %s);

-- name: login_address_until
select equipment.login_address_until(%s);

-- name: note_wrong_address
select equipment.note_wrong_address(%s, %s, %s);

-- name: renew_session
select equipment.renew_session(%s, %s, %s);

-- name: own_session_number
select equipment.own_session_number(%s);

-- name: acting
select equipment.acting(%s);
