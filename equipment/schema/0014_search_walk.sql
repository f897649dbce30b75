-- Words whose pairs are each common but which few units have together sent the search through every unit: the walk is
-- bounded now, and the index takes over.
create or replace function equipment.find_units(words text[], kind text, wanted_status text, below text, after integer, most integer)
returns setof integer stable security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    wanted text[] := array(select distinct lower(normalize(w, nfkc)) from unnest(words) w where w <> '');
    pairs text[] := array(select distinct p from unnest(wanted) w, unnest(equipment.pairs(w)) p);
    walked integer[];
    matches text := '';
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
        matches := matches || format(' and strpos(s.words, %L) > 0', word);
    end loop;
    if cardinality(pairs) = 0 then
        return query execute 'select u.no from equipment.unit u join equipment.unit_search s on s.unit_no = u.no where '
            || condition || matches || ' order by u.no limit $4' using pairs, wanted, after, most;
        return;
    end if;
    -- The units of one firm or one use-unit are few: they are all looked at.
    if current_setting('role') = 'teshe_scoped' and equipment.scope_kind() in ('firm', 'use_unit') then
        return query execute 'select own.no from (select u.no from equipment.unit u where ' || condition || ' offset 0) own,
            lateral (select x.words from equipment.unit_search x where x.unit_no = own.no offset 0) s
            where true' || matches || ' order by own.no limit $4'
            using pairs, wanted, after, most;
        return;
    end if;
    -- What more than one unit in a hundred has is soon found by walking; what the walk does not fill comes by the index.
    if equipment.rarest_share(pairs) > 0.01 then
        execute 'select array(select s.no from (select u.no, x.words from equipment.unit u
            join equipment.unit_search x on x.unit_no = u.no where ' || condition || ' order by u.no limit 6000) s
            where true' || matches || ' order by s.no limit $4)' into walked using pairs, wanted, after, most;
        if cardinality(walked) >= most then
            return query select unnest(walked);
            return;
        end if;
    end if;
    return query execute 'select u.no from (select unit_no, words from equipment.unit_search
        where equipment.pairs(words) @> $1 offset 0) s join equipment.unit u on u.no = s.unit_no where '
        || condition || matches || ' order by u.no limit $4' using pairs, wanted, after, most;
end $$;
