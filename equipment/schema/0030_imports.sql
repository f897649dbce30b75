-- 设备导入: one job per file and options. The file, its rows and its plan lie in the database, so that a job goes on after a kill.
create table equipment.import_job (
    id bigint generated always as identity primary key,
    file_name text not null,
    file_bytes bigint not null check (file_bytes > 0),
    sha256 bytea not null,
    options jsonb not null,
    repeat integer not null default 0,        -- how often the same file was asked for anew
    account_id bigint references equipment.account,
    scope_path text not null,                 -- what the asker may write; '/' for the operator's command
    state text not null default 'received'
        check (state in ('received', 'checked', 'applying', 'done', 'failed', 'cancelled')),
    phase text not null default 'waiting' check (phase in ('waiting', 'reading', 'matching', 'checking', 'writing')),
    rows_done integer not null default 0,
    rows_total integer not null default 0,
    encoding text,
    ignored_columns text[] not null default '{}',
    counts jsonb not null default '{}',
    failure text,
    staged boolean not null default false,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    finished_at timestamptz,
    unique (sha256, options, scope_path, repeat)
);
create index import_job_open on equipment.import_job (id) where state in ('received', 'applying');

create table equipment.import_chunk (
    job_id bigint not null references equipment.import_job on delete cascade,
    no integer not null,
    content bytea not null,
    primary key (job_id, no)
);

-- Rows as the file says them. Only the importer touches these two; no key to the job, so that 100,000 rows go in by COPY.
create table equipment.import_row (
    job_id bigint not null,
    line integer not null,
    source_key text not null,
    id text,
    device_code text,
    registration_code text,
    certificate_no text,
    rescue_code text,
    use_org text,
    use_org_code text,
    firm_org text,
    firm_org_code text,
    jurisdiction_id text,
    stated jsonb not null,
    broken boolean not null,                  -- a cell cannot be read: the row is refused whatever else it says
    primary key (job_id, line)
);
create table equipment.import_plan (
    job_id bigint not null,
    line integer not null,
    outcome text not null check (outcome in ('new', 'update', 'unchanged', 'waiting', 'refused')),
    unit_no integer,
    patch jsonb not null,
    conflicts jsonb not null,
    read_at timestamptz,                      -- changed_at of the unit when it was planned
    primary key (job_id, line)
);
-- What is written, in the transaction that wrote it; rows are only added, so a plan is not rewritten for it.
create table equipment.import_applied (
    job_id bigint not null,
    line integer not null,
    unit_no integer,
    primary key (job_id, line)
);
create table equipment.import_match (
    job_id bigint not null,
    line integer not null,
    found jsonb not null,                     -- [[rank, [unit numbers], [ids the asker may see, else null]], …]
    unit_no integer,
    primary key (job_id, line)
);
create table equipment.import_problem (
    id bigint generated always as identity primary key,
    job_id bigint not null,
    line integer not null,
    stage text not null check (stage in ('read', 'check')),
    severity text not null check (severity in ('refusal', 'note')),
    title text not null,                      -- the column as the file calls it
    value text not null,
    why text not null,
    remedy text not null
);
create index import_problem_by_job on equipment.import_problem (job_id, line, id);
grant select, insert, update, delete, maintain on equipment.import_row, equipment.import_plan, equipment.import_applied,
    equipment.import_match, equipment.import_problem to teshe_system;

-- Every source keeps its own key of a unit.
create table equipment.unit_source (
    source text not null,
    source_key text not null,
    unit_no integer not null references equipment.unit,
    linked_by bigint references equipment.account,
    linked_at timestamptz not null,
    primary key (source, source_key)
);
create index unit_source_by_unit on equipment.unit_source (unit_no);

-- 核对事项: what a source says differently, or of which nobody knows the unit. Decided by a person, with a reason.
create table equipment.reconciliation (
    id bigint generated always as identity primary key,
    source text not null,
    source_key text not null,
    kind text not null check (kind in ('field', 'unmatched', 'ambiguous', 'identity')),
    field text not null default '',
    unit_no integer references equipment.unit,
    candidates integer[] not null default '{}',
    jurisdiction_path text not null,
    registry_value jsonb,
    source_value jsonb not null,
    job_id bigint not null references equipment.import_job,
    line integer not null,
    opened_at timestamptz not null,
    seen_at timestamptz not null,
    decision text check (decision in ('keep', 'take', 'link', 'create', 'ignore', 'settled')),
    reason text,
    decided_by bigint references equipment.account,
    decided_at timestamptz,
    check ((decision is null) = (decided_at is null))
);
create unique index reconciliation_open on equipment.reconciliation (source, source_key, kind, field) where decision is null;
create index reconciliation_by_key on equipment.reconciliation (source, source_key);
create index reconciliation_open_by_path on equipment.reconciliation (jurisdiction_path text_pattern_ops, id) where decision is null;

-- Compared without spaces, punctuation, width, and the province and city before the district.
create function equipment.place_key(address text, internal_no text) returns text immutable parallel safe language sql as $$
    select nullif(regexp_replace(regexp_replace(lower(normalize(address, nfkc)), '[^[:alnum:]]', '', 'g'),
                                 '^(安徽省)?(宿州市)?', ''), '')
           || '|' || nullif(regexp_replace(regexp_replace(lower(normalize(internal_no, nfkc)), '(号梯|号|梯)', '', 'g'),
                                           '[^[:alnum:]]', '', 'g'), '')
$$;

call equipment.protect('equipment.import_job',
    $$equipment.scope_kind() = 'jurisdiction' and starts_with(scope_path, equipment.scope_path())$$,
    'select, insert, update (state, phase, changed_at, finished_at)');
create policy registrars_insert on equipment.import_job as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator') and account_id = equipment.scope_account());
create policy registrars_update on equipment.import_job as restrictive for update to teshe_scoped
    using (equipment.scope_role() in ('inspector', 'regulator'));
call equipment.protect('equipment.import_chunk',
    'exists (select 1 from equipment.import_job j where j.id = job_id)', 'select, insert');
call equipment.protect('equipment.unit_source',
    'exists (select 1 from equipment.unit u where u.no = unit_no)', 'select, insert, update (unit_no, linked_by, linked_at)');
create policy registrars_insert on equipment.unit_source as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() in ('inspector', 'regulator'));
create policy registrars_update on equipment.unit_source as restrictive for update to teshe_scoped
    using (equipment.scope_role() in ('inspector', 'regulator'));
call equipment.protect('equipment.reconciliation',
    $$equipment.scope_kind() = 'jurisdiction' and starts_with(jurisdiction_path, equipment.scope_path())$$,
    'select, update (decision, reason, decided_by, decided_at)');
create policy registrars_update on equipment.reconciliation as restrictive for update to teshe_scoped
    using (equipment.scope_role() in ('inspector', 'regulator'))
    with check (decided_by = equipment.scope_account());

-- The report of a job, for whoever may see the job.
create function equipment.import_problems(job bigint, after_id bigint, most integer)
returns table (id bigint, line integer, severity text, title text, value text, why text, remedy text)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select p.id, p.line, p.severity, p.title, p.value, p.why, p.remedy
    from equipment.import_problem p join equipment.import_job j on j.id = p.job_id
    where p.job_id = job and (p.line, p.id) > (coalesce((select x.line from equipment.import_problem x where x.id = after_id), 0), after_id)
      and (current_setting('role') <> 'teshe_scoped'
           or (equipment.scope_kind() = 'jurisdiction' and starts_with(j.scope_path, equipment.scope_path())))
    order by p.line, p.id
    limit most
$$;
revoke all on function equipment.import_problems(bigint, bigint, integer) from public;
grant execute on function equipment.import_problems(bigint, bigint, integer) to teshe_scoped, teshe_system;
