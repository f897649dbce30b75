-- The ledger as its readers ask for it: a million rows, fifty at a time, every filter, never past the reader's scope.
alter table maintenance.hazard
    add column district text generated always as (split_part(jurisdiction_path, '/', 3)) stored,
    add column slipping_at timestamptz generated always as (coalesce(due_at, step_due_at)) stored;   -- what comes next
drop index maintenance.hazard_open;
create index hazard_open on maintenance.hazard (slipping_at, id) where state not in ('closed', 'unsubstantiated');
create index hazard_open_by_district on maintenance.hazard (district, slipping_at, id) where state not in ('closed', 'unsubstantiated');
create index hazard_open_by_firm on maintenance.hazard (firm_org_id, slipping_at, id) where state not in ('closed', 'unsubstantiated');
create index hazard_open_by_use on maintenance.hazard (use_org_id, slipping_at, id) where state not in ('closed', 'unsubstantiated');
create index hazard_counted on maintenance.hazard (district, state, grade, due_at, firm_org_id, use_org_id, jurisdiction_path)
    where state not in ('closed', 'unsubstantiated');
create index hazard_closed on maintenance.hazard (closed_at desc, id) where state = 'closed';
create index hazard_closed_by_district on maintenance.hazard (district, closed_at desc, id) where state = 'closed';
create index hazard_closed_by_firm on maintenance.hazard (firm_org_id, closed_at desc, id) where state = 'closed';
create index hazard_closed_by_use on maintenance.hazard (use_org_id, closed_at desc, id) where state = 'closed';
create index hazard_closed_by_source on maintenance.hazard (source_kind, closed_at desc, id) where state = 'closed';
create index hazard_closed_by_grade on maintenance.hazard (grade, closed_at desc, id) where state = 'closed' and grade <> 'general';
create index hazard_looked_back on maintenance.hazard (step_due_at) where look_back = 'due';
create index lead_pending_by_deadline on maintenance.lead (urgent desc, deadline, id) where state = 'pending';

-- Ids in the order of the page. A view names the states: open, overdue, late, look_back, closed, or one state.
-- Words are looked for in numbers, in the units' search texts and in the descriptions of what is open.
create function maintenance.find_hazards(wanted jsonb, page_size integer, after_rows integer) returns setof bigint
stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
set jit = off rows 51 language plpgsql as $$
declare
    view text := coalesce(nullif(wanted ->> 'state', ''), 'open');
    wanted_words text := lower(normalize(coalesce(wanted ->> 'q', ''), nfkc));
    over boolean := view in ('closed', 'unsubstantiated', 'look_back');
    conditions text[] := array['true'];
    place text;
    found bigint[];
    units integer[];
begin
    place := case equipment.scope_kind() when 'jurisdiction' then equipment.scope_path() end;
    conditions := conditions || case equipment.scope_kind()
        when 'jurisdiction' then format('starts_with(h.jurisdiction_path, %L)', place)
        when 'firm' then format('h.firm_org_id = %L::bigint', equipment.scope_organisation())
        when 'use_unit' then format('h.use_org_id = %L::bigint', equipment.scope_organisation())
        else 'false' end;
    if split_part(place, '/', 3) <> '' then
        conditions := conditions || format('h.district = %L', split_part(place, '/', 3));
    end if;
    conditions := conditions || case view
        when 'open' then 'h.state not in (''closed'', ''unsubstantiated'')'
        when 'overdue' then format('h.state not in (''closed'', ''unsubstantiated'') and h.due_at < %L', wanted ->> 'now')
        when 'late' then 'h.state not in (''closed'', ''unsubstantiated'') and h.step_late'
        when 'look_back' then 'h.look_back = ''due'''
        when 'closed' then 'h.state = ''closed'''
        when 'unsubstantiated' then 'h.state = ''unsubstantiated'''
        else format('h.state not in (''closed'', ''unsubstantiated'') and h.state = %L', view) end;
    if wanted ->> 'grade' <> '' then conditions := conditions || format('h.grade = %L', wanted ->> 'grade'); end if;
    if wanted ->> 'grade' in ('serious', 'major') then conditions := conditions || 'h.grade <> ''general'''::text; end if;
    if wanted ->> 'district' <> '' then conditions := conditions || format('h.district = %L', wanted ->> 'district'); end if;
    if wanted ->> 'source' <> '' then conditions := conditions || format('h.source_kind = %L', wanted ->> 'source'); end if;
    if wanted ->> 'firm' <> '' then conditions := conditions || format('h.firm_org_id = %L::bigint', wanted ->> 'firm'); end if;
    if wanted ->> 'opened_before' <> '' then
        conditions := conditions || format('h.opened_at < %L', wanted ->> 'opened_before');
    end if;
    if wanted ->> 'flag' = 'supervised' then conditions := conditions || 'h.supervised_at is not null'::text; end if;
    if wanted ->> 'flag' = 'stop_use' then conditions := conditions || 'h.stop_use'::text; end if;
    if wanted ->> 'flag' = 'reopened' then conditions := conditions || 'h.reopened > 0'::text; end if;
    if wanted_words <> '' then
        select array_agg(s.unit_no) into units from (
            select s.unit_no from equipment.unit_search s
            where equipment.pairs(s.words) @> equipment.pairs(replace(wanted_words, ' ', '')) and strpos(s.words, replace(wanted_words, ' ', '')) > 0
            limit 2000) s;
        select array_agg(f.id) into found from (
            select h.id from maintenance.hazard h where h.number = upper(wanted_words)
            union all (select h.id from maintenance.hazard h where h.unit_no = any (units) limit 5000)
            union all (select h.id from maintenance.hazard h
                       where h.state not in ('closed', 'unsubstantiated') and strpos(lower(h.description), wanted_words) > 0 limit 5000)) f;
        conditions := conditions || format('h.id = any (%L::bigint[])', coalesce(found, '{}'));
    end if;
    return query execute format(
        'select h.id from maintenance.hazard h where %s order by %s limit %s offset %s', array_to_string(conditions, ' and '),
        case when over then 'h.closed_at desc, h.id' else 'h.slipping_at, h.id' end, page_size, after_rows);
end $$;
revoke all on function maintenance.find_hazards(jsonb, integer, integer) from public;
grant execute on function maintenance.find_hazards(jsonb, integer, integer) to teshe_scoped;

create function maintenance.count_hazards(
    at timestamptz, out open bigint, out overdue bigint, out major bigint, out recheck bigint, out closed_month bigint
) stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set jit = off
language plpgsql as $$
declare
    kind text := equipment.scope_kind();
    scoped text := case kind
        when 'jurisdiction' then format('starts_with(h.jurisdiction_path, %L)', equipment.scope_path())
            || coalesce(format(' and h.district = %L', nullif(split_part(equipment.scope_path(), '/', 3), '')), '')
        when 'firm' then format('h.firm_org_id = %L::bigint', equipment.scope_organisation())
        when 'use_unit' then format('h.use_org_id = %L::bigint', equipment.scope_organisation())
        else 'false' end;
begin
    execute format('select count(*), count(*) filter (where h.due_at < $1), count(*) filter (where h.grade = ''major''),
        count(*) filter (where h.state = ''recheck'')
        from maintenance.hazard h where h.state not in (''closed'', ''unsubstantiated'') and %s', scoped)
    into open, overdue, major, recheck using at;
    execute format('select count(*) from maintenance.hazard h
        where h.state = ''closed'' and h.closed_at > $1 - interval ''30 days'' and %s', scoped)
    into closed_month using at;
end $$;
revoke all on function maintenance.count_hazards(timestamptz) from public;
grant execute on function maintenance.count_hazards(timestamptz) to teshe_scoped;

-- 常用筛选: what a reader keeps of his own.
create table maintenance.saved_view (
    id bigint generated always as identity primary key,
    account_id bigint not null,
    name text not null check (length(btrim(name)) between 1 and 40),
    query text not null check (length(query) <= 500),
    created_at timestamptz not null,
    unique (account_id, name)
);
call equipment.protect('maintenance.saved_view', 'account_id = equipment.scope_account()', 'select, insert, delete');

-- 事件前后遥测: what the sensors said around the event, kept by value when a lead becomes a hazard; readings may be gone later.
create table maintenance.hazard_window (
    hazard_id bigint primary key references maintenance.hazard,
    since timestamptz not null,
    until timestamptz not null,
    courses jsonb not null,            -- signal -> {level, points: [[server time, value, low, high, samples]]}
    sha256 bytea not null,             -- over the canonical form; the entry that listed the hazard names it
    kept_at timestamptz not null
);
create trigger hazard_window_append_only before update or delete or truncate on maintenance.hazard_window
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.hazard_window', 'exists (select 1 from maintenance.hazard h where h.id = hazard_window.hazard_id)',
    'select, insert');

-- Who acted on a case is told to whoever sees the case; accounts themselves stay hidden from him.
create function maintenance.actor_name(account bigint) returns text
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select a.display_name from equipment.account a where a.id = account and equipment.scope_kind() is not null
$$;
revoke all on function maintenance.actor_name(bigint) from public;
grant execute on function maintenance.actor_name(bigint) to teshe_scoped, teshe_system;
