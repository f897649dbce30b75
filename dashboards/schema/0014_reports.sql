-- 月报 and 年报 as they were made: the document by value, so that its page shows the same digits for ever, and the two files.
create table dashboards.report (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('monthly', 'yearly')),
    period date not null,                      -- first day of the month or the year
    jurisdiction_id text not null references equipment.jurisdiction,
    scheduled boolean not null,
    known_at timestamptz not null,             -- 数据截止
    cut_id bigint,
    document jsonb not null,
    pdf bytea not null,
    xlsx bytea not null,
    made_by bigint,
    made_at timestamptz not null
);
create unique index report_scheduled_once on dashboards.report (kind, period, jurisdiction_id) where scheduled;
create trigger report_append_only before update or delete or truncate on dashboards.report
    for each statement execute function equipment.refuse_change();
call equipment.protect('dashboards.report',
    'equipment.scope_kind() = ''jurisdiction'' and exists (select 1 from equipment.jurisdiction j where j.id = report.jurisdiction_id and starts_with(j.path, equipment.scope_path()))',
    'select, insert');
create policy makers on dashboards.report as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() = 'regulator' and made_by = equipment.scope_account() and not scheduled);
