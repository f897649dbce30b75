-- Whether row security binds whoever asks: everybody who is no member of the system role, and whoever has put on the
-- scoped role. The functions asked before whether the role is exactly the scoped one; a login that merely inherits it
-- (the web's own, after RESET ROLE) was then taken for the system.
create function equipment.is_scoped() returns boolean
stable parallel safe set search_path = pg_catalog, pg_temp language sql as $$
    select current_setting('role') = 'teshe_scoped' or not pg_has_role(session_user, 'teshe_system', 'member')
$$;
revoke all on function equipment.is_scoped() from public;
grant execute on function equipment.is_scoped() to teshe_scoped, teshe_system;

do $$
declare
    found record;
    changed text;
begin
    for found in select p.oid, pg_get_functiondef(p.oid) as body from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.prokind = 'f' and p.proname not in ('is_scoped', 'is_operator')
          and p.prosrc ~ 'current_setting\(''role''\) (=|<>) ''teshe_scoped'''
    loop
        changed := replace(replace(found.body, 'current_setting(''role'') = ''teshe_scoped''', 'equipment.is_scoped()'),
            'current_setting(''role'') <> ''teshe_scoped''', '(not equipment.is_scoped())');
        execute changed;
    end loop;
end $$;
