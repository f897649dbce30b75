-- 内外网链路: two installations, one on the internet and one on the government side, that reach each other only through
-- numbered, signed bundles. Nothing here is used while there is one installation (link_side is empty).
create table equipment.link_side (
    one boolean primary key default true check (one),
    side text not null check (side in ('inner', 'outer')),
    since timestamptz not null
);
call equipment.protect('equipment.link_side', 'true');

-- The tables that cross outwards, as this side was set up with them.
create table equipment.link_table (name text primary key);
call equipment.protect('equipment.link_table', 'false');

-- What waits to be put into a bundle, in the order of its commit.
create table equipment.link_pending (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('row', 'message', 'request', 'login')),
    content jsonb not null,
    at timestamptz not null
);
call equipment.protect('equipment.link_pending', 'false');

-- Bundles as they were made; the content goes when the other side has said that it has applied them.
create table equipment.link_bundle (
    number bigint primary key,
    content bytea,
    sha256 bytea not null,
    entries integer not null,
    made_at timestamptz not null,
    receipted_at timestamptz
);
create index link_bundle_waiting on equipment.link_bundle (number) where receipted_at is null;
call equipment.protect('equipment.link_bundle', 'false');

-- The other side's bundles: the last one that was applied (0: none yet), what the next must follow, how old its news is.
create table equipment.link_applied (
    one boolean primary key default true check (one),
    number bigint not null,
    sha256 bytea not null,
    made_at timestamptz not null,
    applied_at timestamptz not null,
    problem text,                              -- why the next one is not applied, while it is not
    problem_at timestamptz
);
call equipment.protect('equipment.link_applied', 'true');

-- A request of the other side that has been done: written by the transaction that did it.
create table equipment.link_done (
    request bigint primary key,
    at timestamptz not null
);
call equipment.protect('equipment.link_done', 'false');
create function equipment.link_mark(p_request bigint, p_at timestamptz) returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    insert into equipment.link_done (request, at) values (p_request, p_at) on conflict do nothing
$$;

-- 受理: what somebody asked for on the internet side, and on the government side what became of it.
create sequence equipment.link_request_number;
create table equipment.link_outcome (
    request bigint primary key,
    account_id bigint,
    asked_at timestamptz not null,
    what text not null,
    status integer,                            -- null: it waits
    answer text,
    done_at timestamptz
);
create index link_outcome_by_account on equipment.link_outcome (account_id, request desc);
call equipment.protect('equipment.link_outcome', 'account_id = equipment.scope_account()');

-- The web of the internet side takes a request down; it decides nothing.
create function equipment.link_ask(p_account bigint, p_what text, p_content jsonb, p_at timestamptz) returns bigint
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare number bigint := nextval('equipment.link_request_number');
begin
    if not exists (select 1 from equipment.link_side where side = 'outer') then
        raise exception 'requests are handed over on the internet side only' using errcode = 'insufficient_privilege';
    end if;
    if p_account is distinct from equipment.scope_account() then
        raise exception 'a request is handed over in one''s own name' using errcode = 'insufficient_privilege';
    end if;
    insert into equipment.link_outcome (request, account_id, asked_at, what) values (number, p_account, p_at, p_what);
    insert into equipment.link_pending (kind, content, at)
    values ('request', p_content || jsonb_build_object('request', number, 'account', p_account), p_at);
    return number;
end $$;

-- Every change of a table that crosses outwards: the whole row when it is new, else what changed of it.
create function equipment.link_capture() returns trigger
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    source text := tg_table_schema || '.' || tg_table_name;
    named jsonb;
    said jsonb;
begin
    if tg_op = 'INSERT' then
        said := jsonb_build_object('t', source, 'op', 'I', 'r', to_jsonb(new));
        if source = 'equipment.stream_entry' and said #>> '{r,unit_no}' is null then
            said := jsonb_set(said, '{r,payload}', '{}');  -- a caller's number; nobody out there may see such an entry
        end if;
    else
        select jsonb_object_agg(k, to_jsonb(old)->k) into named from unnest(equipment.link_key(tg_relid)) as k;
        if tg_op = 'DELETE' then
            said := jsonb_build_object('t', source, 'op', 'D', 'k', named);
        else
            -- wrong passwords are counted on the side where they were typed
            select jsonb_build_object('t', source, 'op', 'U', 'k', named, 'r', jsonb_object_agg(n.key, n.value)) into said
            from jsonb_each(to_jsonb(new)) n where n.value is distinct from to_jsonb(old)->n.key
              and (source, n.key) not in (('equipment.account', 'failed_attempts'), ('equipment.account', 'locked_until'))
            having count(*) > 0;
        end if;
    end if;
    if said is not null then
        insert into equipment.link_pending (kind, content, at) values ('row', said, clock_timestamp());
    end if;
    return null;
end $$;

create function equipment.link_key(target regclass) returns text[]
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select array_agg(a.attname::text order by a.attnum) from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indrelid = target and i.indisprimary
$$;

-- Rows of the government side, as they are there. Triggers and foreign keys have done their work there already.
create function equipment.link_take_rows(changes jsonb) returns integer
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    change jsonb;
    target regclass;
    keys text;
    columns text;
    changed text;
    same text;
begin
    if not exists (select 1 from equipment.link_side where side = 'outer') then
        raise exception 'rows are taken over on the internet side only' using errcode = 'insufficient_privilege';
    end if;
    -- not a clause of the function: an owner who may not do this can still install the product as one
    perform set_config('session_replication_role', 'replica', true);
    for change in select * from jsonb_array_elements(changes) loop
        target := (change->>'t')::regclass;
        if not exists (select 1 from equipment.link_table where name = change->>'t') then
            raise exception 'table % does not cross', change->>'t' using errcode = 'insufficient_privilege';
        end if;
        select string_agg(quote_ident(k), ', '), string_agg(format('t.%I = k.%I', k, k), ' and ')
        into keys, same from unnest(equipment.link_key(target)) as k;
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum),
               string_agg(format('%I = excluded.%I', a.attname, a.attname), ', ' order by a.attnum)
                   filter (where a.attidentity <> 'a' and not a.attname = any (equipment.link_key(target)))
        into columns, changed from pg_attribute a
        where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and change->'r' ? a.attname::text;
        if change->>'op' = 'I' then
            execute format('insert into %s (%s) overriding system value select %s from jsonb_populate_record(null::%s, $1)'
                           ' on conflict (%s) do %s', target, columns, columns, target, keys,
                           coalesce('update set ' || changed, 'nothing')) using change->'r';
        elsif change->>'op' = 'U' then
            execute format('update %s t set (%s) = (select %s from jsonb_populate_record(null::%s, $1))'
                           ' from jsonb_populate_record(null::%s, $2) k where %s', target, columns,
                           columns, target, target, same) using change->'r', change->'k';
        else
            execute format('delete from %s t using jsonb_populate_record(null::%s, $1) k where %s', target, target, same)
            using change->'k';
        end if;
        if change->>'t' = 'equipment.stream_entry' then
            perform pg_notify('teshe_stream', change->'r'->>'stream');
        end if;
    end loop;
    perform set_config('session_replication_role', 'origin', true);
    return jsonb_array_length(changes);
end $$;

-- On the internet side nobody writes what is decided on the government side; a replica's copy does not pass here.
create function equipment.link_refuse() returns trigger language plpgsql as $$
begin
    -- a side's own server signs its own log
    if tg_table_name = 'signing_key' and tg_op = 'INSERT' and to_jsonb(new)->>'owner' = 'server' then
        return new;
    end if;
    raise exception 'table %.% is decided on the government side: hand the request over', tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege';
end $$;

-- A password of one's own was set out there: the one-time code is spent in here too. The password itself stays out there.
create function equipment.link_login_set() returns trigger
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    insert into equipment.link_pending (kind, content, at)
    values ('login', jsonb_build_object('account', new.id), clock_timestamp());
    return null;
end $$;

revoke all on function equipment.link_mark(bigint, timestamptz), equipment.link_ask(bigint, text, jsonb, timestamptz),
    equipment.link_key(regclass), equipment.link_take_rows(jsonb) from public;
grant execute on function equipment.link_mark(bigint, timestamptz), equipment.link_ask(bigint, text, jsonb, timestamptz)
    to teshe_scoped, teshe_system;
grant execute on function equipment.link_key(regclass), equipment.link_take_rows(jsonb) to teshe_system;
