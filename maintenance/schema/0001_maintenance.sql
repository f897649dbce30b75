grant usage on schema maintenance to teshe_system, teshe_scoped;

-- 电子维保记录, append-only content; only its state moves.
create table maintenance.record (
    id uuid primary key,
    unit_no integer not null,
    firm_org_id bigint not null references equipment.organisation,
    idempotency_key text not null,
    level text not null check (level in ('half_month', 'quarter', 'half_year', 'year', 'on_demand')),
    template text not null,                    -- annex and version of the checklist
    workers jsonb not null,                    -- by value: name, certificate, valid on the day
    started_at timestamptz not null,
    ended_at timestamptz not null,
    submitted_at timestamptz,                  -- device time of submission
    received_at timestamptz not null,
    state text not null check (state in ('submitted', 'confirmed', 'disputed', 'corrected')),
    corrects uuid references maintenance.record,
    content jsonb not null,                    -- the record as signed
    digest bytea not null,                     -- SHA-256 of the canonical form (RFC 8785)
    failed_items integer not null default 0,
    confirmed_at timestamptz,
    confirmed_by bigint,
    dispute_reason text,
    check (ended_at >= started_at),
    unique (firm_org_id, idempotency_key)
);
create index record_by_unit on maintenance.record (unit_no, ended_at desc);
create index record_by_firm on maintenance.record (firm_org_id, ended_at desc);

create table maintenance.record_item (
    record_id uuid not null references maintenance.record,
    item_id text not null,
    unit_no integer not null,
    result text not null check (result in ('pass', 'fail', 'fixed', 'not_applicable')),
    value double precision,
    note text not null default '',
    primary key (record_id, item_id)
);
create trigger record_item_append_only before update or delete or truncate on maintenance.record_item
    for each statement execute function equipment.refuse_change();

-- 线索: an automatic finding until a person makes it a hazard.
create table maintenance.lead (
    id bigint generated always as identity primary key,
    unit_no integer not null,
    source_kind text not null,                 -- record_item, alarm_pattern, overdue, inspection, public, ...
    source_id text not null,
    cause text not null,                       -- the same cause on the same unit joins
    state text not null check (state in ('pending', 'became_hazard', 'self_rectify', 'unfounded')),
    urgent boolean not null default false,
    suggested_grade text not null check (suggested_grade in ('general', 'serious', 'major')),
    suggested_clause text,
    summary text not null,
    evidence jsonb not null,
    occurrences integer not null default 1,
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    deadline timestamptz not null,
    decided_at timestamptz,
    decided_by bigint,
    decision_reason text,
    hazard_id bigint,
    overdue_told boolean not null default false   -- an urgent lead that nobody judged in time was announced
);
create unique index lead_one_open_per_cause on maintenance.lead (unit_no, cause) where state = 'pending';
create index lead_open on maintenance.lead (deadline) where state = 'pending';

create table maintenance.lead_event (
    id bigint generated always as identity primary key,
    lead_id bigint not null references maintenance.lead,
    unit_no integer not null,
    event text not null,
    at timestamptz not null,
    account_id bigint,
    reason text,
    detail jsonb not null default '{}'
);
create trigger lead_event_append_only before update or delete or truncate on maintenance.lead_event
    for each statement execute function equipment.refuse_change();

-- 隐患台账.
create table maintenance.hazard (
    id bigint generated always as identity primary key,
    number text not null unique,               -- YH341302-2026-0001
    unit_no integer not null,
    lead_id bigint references maintenance.lead,
    state text not null check (state in ('listed', 'handed_over', 'receipted', 'rectifying', 'recheck', 'closed', 'unsubstantiated')),
    grade text not null check (grade in ('general', 'serious', 'major')),
    clause text,
    stop_use boolean not null default false,
    description text not null,
    responsible_org_id bigint references equipment.organisation,
    measures text, due_at timestamptz,
    opened_at timestamptz not null,
    opened_by bigint not null,
    closed_at timestamptz,
    version integer not null default 1,
    check (grade <> 'major' or clause is not null)
);
create index hazard_open on maintenance.hazard (due_at) where state not in ('closed', 'unsubstantiated');
create index hazard_by_unit on maintenance.hazard (unit_no, opened_at desc);

create table maintenance.hazard_event (
    id bigint generated always as identity primary key,
    hazard_id bigint not null references maintenance.hazard,
    unit_no integer not null,
    event text not null,
    from_state text not null,
    to_state text not null,
    at timestamptz not null,
    account_id bigint,
    reason text,
    evidence jsonb not null default '{}'
);
create index hazard_event_by_hazard on maintenance.hazard_event (hazard_id, id);
create trigger hazard_event_append_only before update or delete or truncate on maintenance.hazard_event
    for each statement execute function equipment.refuse_change();

grant select, insert, update, delete on all tables in schema maintenance to teshe_system;
call equipment.protect('maintenance.record', 'exists (select 1 from equipment.unit u where u.no = record.unit_no)', 'select, insert, update (state, confirmed_at, confirmed_by, dispute_reason)');
call equipment.protect('maintenance.record_item', 'exists (select 1 from equipment.unit u where u.no = record_item.unit_no)', 'select, insert');
call equipment.protect('maintenance.lead', 'exists (select 1 from equipment.unit u where u.no = lead.unit_no)', 'select, insert, update');
call equipment.protect('maintenance.lead_event', 'exists (select 1 from equipment.unit u where u.no = lead_event.unit_no)', 'select, insert');
call equipment.protect('maintenance.hazard', 'exists (select 1 from equipment.unit u where u.no = hazard.unit_no)', 'select, insert, update');
call equipment.protect('maintenance.hazard_event', 'exists (select 1 from equipment.unit u where u.no = hazard_event.unit_no)', 'select, insert');

-- Numbers of hazards run through a district and year, also for a caller who sees one office of it.
create function maintenance.next_hazard_number(district text, year integer) returns text
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare prefix text := format('YH%s-%s-', district, year); serial integer;
begin
    perform pg_advisory_xact_lock(hashtextextended('hazard-number:' || prefix, 0));
    select coalesce(max(split_part(number, '-', 3)::integer), 0) + 1 into serial
    from maintenance.hazard where starts_with(number, prefix);
    return prefix || lpad(serial::text, greatest(4, length(serial::text)), '0');
end $$;
revoke all on function maintenance.next_hazard_number(text, integer) from public;
grant execute on function maintenance.next_hazard_number(text, integer) to teshe_scoped, teshe_system;
