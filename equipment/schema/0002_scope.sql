-- Who asks, for the length of one transaction. Unset means: sees nothing.
--   teshe.scope_kind    jurisdiction | firm | use_unit
--   teshe.scope_path    jurisdiction path prefix, '/341300/' is the whole city
--   teshe.organisation  id of the asker's organisation
--   teshe.role, teshe.account
grant usage on schema equipment to teshe_system, teshe_scoped;

create function equipment.scope_kind() returns text stable parallel safe language sql
    as $$ select nullif(current_setting('teshe.scope_kind', true), '') $$;
create function equipment.scope_path() returns text stable parallel safe language sql
    as $$ select nullif(current_setting('teshe.scope_path', true), '') $$;
create function equipment.scope_organisation() returns bigint stable parallel safe language sql
    as $$ select nullif(current_setting('teshe.organisation', true), '')::bigint $$;
create function equipment.scope_role() returns text stable parallel safe language sql
    as $$ select nullif(current_setting('teshe.role', true), '') $$;
create function equipment.scope_account() returns bigint stable parallel safe language sql
    as $$ select nullif(current_setting('teshe.account', true), '')::bigint $$;

-- One way to protect a table: forced row security, the system role sees all, the scoped role by predicate.
create procedure equipment.protect(target regclass, visible text, privileges text default 'select') language plpgsql as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format('create policy system_all on %s to teshe_system using (true) with check (true)', target);
    -- the migrating owner runs the definer functions; no process connects as it
    execute format('create policy owner_all on %s to %I using (true) with check (true)', target, current_user);
    execute format('create policy scoped on %s to teshe_scoped using (%s) with check (%s)', target, visible, visible);
    execute format('grant select, insert, update, delete on %s to teshe_system', target);
    execute format('grant %s on %s to teshe_scoped', privileges, target);
end $$;
