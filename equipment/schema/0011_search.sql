-- 查找: a unit by any code, name, address, everyday place name, building, entrance, or the initials of its pinyin.
-- Chinese is searched by two characters, which trigrams cannot index: the index is over pairs of neighbouring characters.
alter table equipment.unit add column initials text not null default '';  -- of name, place and address; written by the store
grant update (initials) on equipment.unit to teshe_scoped;
create index unit_without_initials on equipment.unit (no) where initials = '';

-- With repetitions, which the index drops by itself: sorting them out here would cost an import more than all the rest.
create function equipment.pairs(words text) returns text[]
immutable parallel safe strict set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    return array(select substr(words, i, 2) from generate_series(1, length(words) - 1) i);
end $$;

create table equipment.unit_search (
    unit_no integer primary key references equipment.unit,
    words text not null                -- small letters, half width, one space between fields and none inside
);
create index unit_search_pairs on equipment.unit_search using gin (equipment.pairs(words));
call equipment.protect('equipment.unit_search', 'exists (select 1 from equipment.unit u where u.no = unit_no)', 'select');

create function equipment.write_search(units integer[]) returns void
security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan language sql as $$
    insert into equipment.unit_search (unit_no, words)
    select u.no, lower(normalize(concat_ws(' ', u.id, u.rescue_code, u.device_code, u.registration_code, replace(u.certificate_no, ' ', ''),
        replace(u.internal_no, ' ', ''), replace(u.name, ' ', ''), replace(u.place_name || u.building || u.entrance, ' ', ''),
        replace(u.address, ' ', ''), u.initials), nfkc))
    from unnest(units) as w(no) join equipment.unit u on u.no = w.no
    on conflict (unit_no) do update set words = excluded.words where unit_search.words <> excluded.words
$$;

create function equipment.unit_searchable() returns trigger
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    perform equipment.write_search(array(select no from new_unit));
    return null;
end $$;
create trigger unit_search_insert after insert on equipment.unit referencing new table as new_unit
    for each statement execute function equipment.unit_searchable();
create trigger unit_search_update after update on equipment.unit referencing new table as new_unit
    for each statement execute function equipment.unit_searchable();

-- Whoever renames a unit without its initials leaves them to be written again.
create function equipment.forget_initials() returns trigger language plpgsql as $$
begin
    if new.initials = old.initials then new.initials := ''; end if;
    return new;
end $$;
create trigger unit_initials before update of name, place_name, building, entrance, address on equipment.unit for each row
    when (old.initials <> '' and (new.name, new.place_name, new.building, new.entrance, new.address)
          is distinct from (old.name, old.place_name, old.building, old.entrance, old.address))
    execute function equipment.forget_initials();

-- Share of units that have the rarest of these pairs, as the last analyze saw it; 0 where one is not among the common.
create function equipment.rarest_share(wanted text[]) returns real
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select coalesce(min(coalesce(c.share, 0)), 0)::real
    from unnest(wanted) w(pair)
    left join (
        select e.pair, e.share from pg_stats s,
            unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs[1:cardinality(s.most_common_elems::text::text[])])
                as e(pair, share)
        where s.schemaname = 'equipment' and s.tablename = 'unit_search_pairs'
    ) c on c.pair = w.pair
$$;

-- Numbers of the units that have every word, in order; a complete code finds that unit alone. Row security would cost the
-- index (its operators are not leakproof), so the scope is applied here.
create function equipment.find_units(words text[], kind text, wanted_status text, below text, after integer, most integer)
returns setof integer stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    wanted text[] := array(select distinct lower(normalize(w, nfkc)) from unnest(words) w where w <> '');
    pairs text[] := array(select distinct p from unnest(wanted) w, unnest(equipment.pairs(w)) p);
    many boolean := cardinality(pairs) > 0 and equipment.rarest_share(pairs) > 0.01;
    condition text := 'u.no > $3';
    word text;
    code integer;
begin
    if current_setting('role') = 'teshe_scoped' then
        condition := condition || case equipment.scope_kind()
            when 'jurisdiction' then format(' and u.jurisdiction_path like %L', nullif(equipment.scope_path(), '') || '%')
            when 'firm' then format(' and u.firm_org_id = %L', equipment.scope_organisation())
            when 'use_unit' then format(' and u.use_org_id = %L', equipment.scope_organisation())
            else ' and false' end;
        -- a scope without its bound sees nothing
        if condition is null then return; end if;
    end if;
    if kind <> '' then condition := condition || format(' and u.kind = %L', kind); end if;
    if wanted_status <> '' then condition := condition || format(' and u.status = %L', wanted_status); end if;
    if below <> '' then
        condition := condition || format(' and u.jurisdiction_path like any (array(select j.path || ''%%'' from equipment.jurisdiction j
            where j.id = %L))', below);
    end if;
    if cardinality(wanted) = 0 then
        return query execute 'select u.no from equipment.unit u where ' || condition || ' order by u.no limit $4'
            using pairs, wanted, after, most;
        return;
    end if;
    if cardinality(words) = 1 then
        execute 'select u.no from equipment.unit u where ' || condition || ' and u.no = (select x.no from equipment.unit x
            where x.rescue_code = $1 or x.id in ($1, $2) or x.device_code = $1 order by x.no limit 1)'
            into code using upper(words[1]), words[1], 0, most;
        if code is not null then
            if code > after then return next code; end if;
            return;
        end if;
    end if;
    foreach word in array wanted loop
        condition := condition || format(' and strpos(s.words, %L) > 0', word);
    end loop;
    if many or cardinality(pairs) = 0 then
        return query execute 'select u.no from equipment.unit u join equipment.unit_search s on s.unit_no = u.no where '
            || condition || ' order by u.no limit $4' using pairs, wanted, after, most;
    else
        return query execute 'select u.no from (select unit_no, words from equipment.unit_search
            where equipment.pairs(words) @> $1 offset 0) s join equipment.unit u on u.no = s.unit_no where '
            || condition || ' order by u.no limit $4' using pairs, wanted, after, most;
    end if;
end $$;

do $$
declare signature regprocedure;
begin
    for signature in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'equipment' and p.proname in ('write_search', 'rarest_share', 'find_units')
    loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to teshe_system', signature);
    end loop;
end $$;
grant execute on function equipment.find_units(text[], text, text, text, integer, integer) to teshe_scoped;

select equipment.write_search(array(select no from equipment.unit)) where exists (select 1 from equipment.unit);
