-- 协议网桥: one leased process that republishes what gateways say to the canonical topics.
create table ingest.bridge (
    only_one boolean primary key default true check (only_one),
    client_id text not null unique,            -- carries a random 128-bit secret
    owner text,
    epoch bigint not null default 0,
    lease_until timestamptz
);
grant select, insert, update on ingest.bridge to teshe_system;

-- 网关: a credential. A Sparkplug edge node is 'group/node'; other gateways publish under their id.
create table ingest.gateway (
    id text primary key check (id ~ '^[^/+#[:cntrl:]]{1,60}(/[^/+#[:cntrl:]]{1,60})?$'),
    kind text not null check (kind in ('sparkplug', 'gateway', 'call_centre')),
    name text not null default '',
    enabled boolean not null default true,
    created_at timestamptz not null
);

-- The units that the credential lists; address is what the gateway calls the unit.
create table ingest.gateway_unit (
    gateway_id text not null references ingest.gateway,
    address text not null,
    unit_no integer not null references equipment.unit (no),
    profile text not null default 'canonical', -- 信号编码约定
    primary key (gateway_id, address)
);
create index gateway_unit_by_unit on ingest.gateway_unit (unit_no);

-- Births, aliases and sequence of an edge node; active faults of a vendor's units.
create table ingest.gateway_state (
    gateway_id text primary key,
    state jsonb not null,
    changed_at timestamptz not null
);

-- What a gateway has sent so far. A source of QoS 0 has no delivery guarantee.
create table ingest.gateway_account (
    gateway_id text primary key,
    last_at timestamptz not null,
    messages bigint not null default 0,
    messages_qos0 bigint not null default 0,
    republished bigint not null default 0,
    refused bigint not null default 0,
    gaps bigint not null default 0,
    missing bigint not null default 0,
    rebirths_asked bigint not null default 0,
    online boolean
);

-- 缺口: messages of a source that never came.
create table ingest.gateway_gap (
    id bigint generated always as identity primary key,
    gateway_id text not null,
    noticed_at timestamptz not null,
    expected smallint not null,
    got smallint not null,
    missing smallint not null check (missing > 0)
);
create index gateway_gap_by_gateway on ingest.gateway_gap (gateway_id, id desc);

-- 拒收: what a gateway sent and may not, or what cannot be read; with its bytes.
create table ingest.gateway_refusal (
    id bigint generated always as identity primary key,
    gateway_id text not null,
    received_at timestamptz not null,
    topic text not null,
    address text not null default '',
    reason text not null,
    detail text not null,
    payload bytea not null
);
create index gateway_refusal_by_gateway on ingest.gateway_refusal (gateway_id, id desc);

-- 未识别字段: fields and values that the signal coding does not know.
create table ingest.gateway_unmapped (
    gateway_id text not null,
    profile text not null,
    field text not null,
    example text not null,                     -- the newest value
    count bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (gateway_id, profile, field)
);

call equipment.protect('ingest.gateway', 'equipment.scope_kind() = ''jurisdiction''');
call equipment.protect('ingest.gateway_unit', 'exists (select 1 from equipment.unit u where u.no = unit_no)');
call equipment.protect('ingest.gateway_state', 'false');
call equipment.protect('ingest.gateway_account', 'equipment.scope_kind() = ''jurisdiction''');
call equipment.protect('ingest.gateway_gap', 'equipment.scope_kind() = ''jurisdiction''');
-- bytes may hold a caller's name and phone: the city's own roles only, as for the quarantine
call equipment.protect('ingest.gateway_refusal', 'equipment.scope_kind() = ''jurisdiction'' and equipment.scope_path() = ''/341300/''');
call equipment.protect('ingest.gateway_unmapped', 'equipment.scope_kind() = ''jurisdiction''');

-- Codes that no concept fits, by list and code, of the units that the caller may see.
create function ingest.unmapped_codes(since timestamptz)
returns table (code_list text, code text, events bigint, units bigint, last_at timestamptz)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select e.code_list, e.code, count(*), count(distinct e.unit_no), max(e.server_time)
    from ingest.code_event e join equipment.unit u on u.no = e.unit_no
    where e.canonical is null and e.ts >= since
      and (current_setting('role') = 'teshe_system'
           or (equipment.scope_kind() = 'jurisdiction' and starts_with(u.jurisdiction_path, equipment.scope_path())))
    group by e.code_list, e.code
$$;
revoke all on function ingest.unmapped_codes(timestamptz) from public;
grant execute on function ingest.unmapped_codes(timestamptz) to teshe_scoped, teshe_system;
