-- 终端凭证: what a terminal logs in to the broker with, per unit. Only what brokers compare with is kept of the secret.
create table equipment.device_credential (
    name text primary key,              -- unit and number: L000001.1
    unit_no integer not null references equipment.unit (no),
    number integer not null check (number >= 1),
    bcrypt text not null,               -- for NATS
    pbkdf2 text not null,               -- for Mosquitto
    issued_at timestamptz not null,
    ends_at timestamptz,                -- a rotated credential holds until then
    revoked_at timestamptz,
    revoked_reason text,
    changed_at timestamptz not null,
    unique (unit_no, number),
    check ((revoked_at is null) = (revoked_reason is null))
);
create index device_credential_by_change on equipment.device_credential (changed_at);
call equipment.protect('equipment.device_credential', 'exists (select 1 from equipment.unit u where u.no = unit_no)',
    'select (name, unit_no, number, issued_at, ends_at, revoked_at, revoked_reason)');

-- The unit's number if whoever asks manages its terminals: the system administrator inside his area, or the operator.
create function equipment.managed_unit(p_unit text) returns integer
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select u.no from equipment.unit u
    where u.id = p_unit and (equipment.is_operator() or (equipment.scope_role() = 'system_admin'
        and equipment.scope_kind() = 'jurisdiction' and starts_with(u.jurisdiction_path, equipment.scope_path())))
$$;

-- A fresh credential; those before it hold until p_others_until. Null when the unit is not the asker's to manage.
create function equipment.issue_credential(p_unit text, p_bcrypt text, p_pbkdf2 text, p_others_until timestamptz, p_at timestamptz)
returns text security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    wanted integer := equipment.managed_unit(p_unit);
    next_number integer;
begin
    if wanted is null then
        return null;
    end if;
    -- two at once stand in a queue; not the unit itself, which readings refer to
    perform pg_advisory_xact_lock(hashtextextended('equipment.device_credential', wanted));
    update equipment.device_credential c set ends_at = p_others_until, changed_at = p_at
    where c.unit_no = wanted and c.revoked_at is null and (c.ends_at is null or c.ends_at > p_others_until);
    select coalesce(max(c.number), 0) + 1 into next_number from equipment.device_credential c where c.unit_no = wanted;
    insert into equipment.device_credential (name, unit_no, number, bcrypt, pbkdf2, issued_at, changed_at)
    values (p_unit || '.' || next_number, wanted, next_number, p_bcrypt, p_pbkdf2, p_at, p_at);
    return p_unit || '.' || next_number;
end $$;

-- Ends credentials at once; an empty name means all of the unit. Returns how many ended.
create function equipment.revoke_credentials(p_unit text, p_name text, p_reason text, p_at timestamptz) returns integer
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with ended as (
        update equipment.device_credential c set revoked_at = p_at, revoked_reason = p_reason, changed_at = p_at
        where c.unit_no = equipment.managed_unit(p_unit) and c.revoked_at is null and (c.ends_at is null or c.ends_at > p_at)
          and (p_name = '' or c.name = p_name)
        returning 1
    )
    select count(*)::integer from ended
$$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('managed_unit', 'issue_credential', 'revoke_credentials')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_scoped, teshe_system', signature);
    end loop;
end $$;
