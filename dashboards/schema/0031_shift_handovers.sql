-- 交接班: what a shift left to the next, by value, and who took it over. Nobody takes over from himself.
create table dashboards.shift_handover (
    id bigint generated always as identity primary key,
    since timestamptz not null,
    until timestamptz not null check (until > since),
    document jsonb not null,
    notes text not null default '',
    jurisdiction_path text not null,           -- the scope under which it was written
    given_by bigint not null,
    given_at timestamptz not null,
    received_by bigint,
    received_at timestamptz,
    remark text not null default '',           -- of the one who took over
    check ((received_by is null) = (received_at is null)),
    check (received_by <> given_by)
);
create index shift_handover_by_time on dashboards.shift_handover (given_at desc);
create trigger shift_handover_kept before delete or truncate on dashboards.shift_handover
    for each statement execute function equipment.refuse_change();
call equipment.protect('dashboards.shift_handover',
    'equipment.scope_kind() = ''jurisdiction'' and starts_with(jurisdiction_path, equipment.scope_path())',
    'select, insert, update (received_by, received_at, remark)');
