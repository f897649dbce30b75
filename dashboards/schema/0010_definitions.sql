-- 指标口径: each version of each candidate as it stood, which one is official since when by which document, and every value
-- that was published, with what it was made of. Nothing of this is ever changed.
alter table dashboards.indicator_definition
    drop constraint indicator_definition_indicator_version_key,
    drop column document_no, drop column approved_by, drop column official,
    add column key text not null,
    add constraint indicator_definition_once unique (indicator, key, version);
create trigger indicator_definition_append_only before update or delete or truncate on dashboards.indicator_definition
    for each statement execute function equipment.refuse_change();
create trigger indicator_value_append_only before update or delete or truncate on dashboards.indicator_value
    for each statement execute function equipment.refuse_change();
alter table dashboards.indicator_value add column kind text not null default 'all', add column document text;

-- A later row of the same indicator takes the place of an earlier one; definition_id null withdraws (再次未定口径).
create table dashboards.indicator_official (
    id bigint generated always as identity primary key,
    indicator text not null,
    definition_id bigint references dashboards.indicator_definition,
    document_no text not null check (btrim(document_no) <> ''),
    approved_by text not null check (btrim(approved_by) <> ''),
    valid_from date not null,
    chosen_by bigint,
    chosen_at timestamptz not null
);
create trigger indicator_official_append_only before update or delete or truncate on dashboards.indicator_official
    for each statement execute function equipment.refuse_change();
call equipment.protect('dashboards.indicator_official', 'equipment.scope_kind() = ''jurisdiction''', 'select, insert');
grant insert on dashboards.indicator_definition, dashboards.indicator_value to teshe_scoped;
create policy choosers on dashboards.indicator_official as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() = 'regulator' and equipment.scope_path() = '/341300/' and chosen_by = equipment.scope_account());
create policy definers on dashboards.indicator_definition as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() = 'regulator' and equipment.scope_path() = '/341300/');
create policy publishers on dashboards.indicator_value as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() = 'regulator' and published_by = equipment.scope_account());

-- 参考序列: yearly figures of the nation and of provinces, each with its mark. A later row replaces an earlier one.
create table dashboards.reference_figure (
    id bigint generated always as identity primary key,
    area text not null,
    year integer not null check (year between 1949 and 2100),
    measure text not null check (measure in ('units_10k', 'accidents', 'deaths', 'injuries', 'published_rate', 'in_use_10k')),
    value double precision not null check (value >= 0),
    mark text not null check (mark in ('V', 'V-code', 'P', 'D', 'C', 'M')),
    source text not null check (btrim(source) <> ''),
    recorded_at timestamptz not null
);
create trigger reference_figure_append_only before update or delete or truncate on dashboards.reference_figure
    for each statement execute function equipment.refuse_change();
create view dashboards.reference_current with (security_invoker = true) as
    select distinct on (area, year, measure) area, year, measure, value, mark, source, recorded_at
    from dashboards.reference_figure order by area, year, measure, id desc;
call equipment.protect('dashboards.reference_figure', 'equipment.scope_kind() is not null');
grant select on dashboards.reference_current to teshe_scoped, teshe_system;
