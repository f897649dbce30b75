-- 文号 without gaps, per bureau, kind and year: the number is taken in the transaction that writes the document.
create table maintenance.number_counter (
    series text not null,              -- hazard:341302, hand_over:341302, ...
    year integer not null,
    last integer not null,
    primary key (series, year)
);
grant select, insert, update on maintenance.number_counter to teshe_system;

create function maintenance.next_in_series(wanted text, in_year integer, already integer) returns integer
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare serial integer;
begin
    insert into maintenance.number_counter as c (series, year, last) values (wanted, in_year, already + 1)
    on conflict (series, year) do update set last = c.last + 1 returning last into serial;
    return serial;
end $$;
revoke all on function maintenance.next_in_series(text, integer, integer) from public;

-- The number of a hazard, from the counter; a series that was begun before it is carried on.
create or replace function maintenance.next_hazard_number(district text, year integer) returns text
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare prefix text := format('YH%s-%s-', district, year); serial integer; already integer := 0;
begin
    if not exists (select 1 from maintenance.number_counter c
                   where c.series = 'hazard:' || next_hazard_number.district and c.year = next_hazard_number.year) then
        select coalesce(max(case when split_part(number, '-', 3) ~ '^[0-9]{1,9}$' then split_part(number, '-', 3)::integer end), 0)
        into already from maintenance.hazard where starts_with(number, prefix);
    end if;
    serial := maintenance.next_in_series('hazard:' || district, year, already);
    return prefix || lpad(serial::text, greatest(4, length(serial::text)), '0');
end $$;

-- 文书: 交办单, 监察指令书, 通报, 约谈通知, 督办通知; what it said is kept by value.
create table maintenance.document (
    id bigint generated always as identity primary key,
    number text not null unique,
    kind text not null check (kind in ('hand_over', 'order', 'notice', 'interview', 'supervision')),
    bureau text not null,
    year integer not null,
    serial integer not null,
    hazard_id bigint not null references maintenance.hazard,
    content jsonb not null,
    issued_at timestamptz not null,
    issued_by bigint not null,
    unique (bureau, kind, year, serial)
);
create index document_by_hazard on maintenance.document (hazard_id, id);
create trigger document_append_only before update or delete or truncate on maintenance.document
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.document', 'exists (select 1 from maintenance.hazard h where h.id = document.hazard_id)', 'select');

-- 送达回证: to whom, when and how a document was served.
create table maintenance.delivery (
    id bigint generated always as identity primary key,
    document_id bigint not null references maintenance.document,
    method text not null check (method in ('direct', 'left', 'post', 'electronic', 'public')),
    receiver text not null,
    delivered_at timestamptz not null,
    note text not null default '',
    recorded_at timestamptz not null,
    recorded_by bigint not null
);
create index delivery_by_document on maintenance.delivery (document_id);
create trigger delivery_append_only before update or delete or truncate on maintenance.delivery
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.delivery', 'exists (select 1 from maintenance.document d where d.id = delivery.document_id)',
    'select, insert');
create policy officers_insert on maintenance.delivery as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator') and recorded_by = equipment.scope_account());

create function maintenance.issue_document(wanted text, word text, hazard bigint, said jsonb, at timestamptz, out id bigint, out number text)
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    parts text[] := string_to_array(trim(both '/' from coalesce(equipment.scope_path(), '')), '/');
    office text := coalesce(parts[2], parts[1]);
    in_year integer := extract(year from at at time zone 'Asia/Shanghai');
    serial integer;
begin
    if equipment.scope_role() not in ('inspector', 'regulator') or equipment.scope_kind() <> 'jurisdiction' or not exists (
        select 1 from maintenance.hazard h where h.id = hazard
          and equipment.in_scope(h.jurisdiction_path, h.firm_org_id, h.use_org_id)) then
        raise exception 'only an officer issues documents, about hazards of his area' using errcode = 'insufficient_privilege';
    end if;
    serial := maintenance.next_in_series(wanted || ':' || office, in_year, 0);
    number := format('%s〔%s〕%s号', word, in_year, serial);
    insert into maintenance.document (number, kind, bureau, year, serial, hazard_id, content, issued_at, issued_by)
    values (issue_document.number, wanted, office, in_year, serial, hazard, said, at, equipment.scope_account())
    returning document.id into id;
end $$;
revoke all on function maintenance.issue_document(text, text, bigint, jsonb, timestamptz) from public;
grant execute on function maintenance.issue_document(text, text, bigint, jsonb, timestamptz) to teshe_scoped;

-- 风险矩阵: every version that was published stays; an assessment names the version it was made by.
create table maintenance.risk_matrix (
    version integer generated always as identity primary key,
    content jsonb not null,
    basis text not null check (length(btrim(basis)) > 0),      -- the document that decided it
    published_at timestamptz not null,
    published_by bigint not null
);
create trigger risk_matrix_append_only before update or delete or truncate on maintenance.risk_matrix
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.risk_matrix', 'equipment.scope_kind() is not null', 'select, insert');
create policy leaders_insert on maintenance.risk_matrix as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() = 'regulator' and published_by = equipment.scope_account());
