grant usage on schema dashboards to teshe_system, teshe_scoped;

-- 指标口径 and every value published under it, recomputable from what is stored here.
create table dashboards.indicator_definition (
    id bigint generated always as identity primary key,
    indicator text not null,
    version integer not null,
    document_no text,
    approved_by text,
    official boolean not null default false,
    content jsonb not null,
    created_at timestamptz not null,
    unique (indicator, version)
);
create table dashboards.indicator_value (
    id bigint generated always as identity primary key,
    definition_id bigint not null references dashboards.indicator_definition,
    jurisdiction_id text not null references equipment.jurisdiction,
    period_from date not null,
    period_to date not null,
    data_cut timestamptz not null,
    inputs jsonb not null,
    value jsonb not null,
    published_by bigint,
    published_at timestamptz not null
);
grant select, insert, update, delete on all tables in schema dashboards to teshe_system;
call equipment.protect('dashboards.indicator_definition', 'equipment.scope_kind() = ''jurisdiction''');
call equipment.protect('dashboards.indicator_value',
    'equipment.scope_kind() = ''jurisdiction'' and exists (select 1 from equipment.jurisdiction j where j.id = indicator_value.jurisdiction_id and starts_with(j.path, equipment.scope_path()))');
