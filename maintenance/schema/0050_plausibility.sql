-- 真实性: what was looked at of a record, what was found, what was answered, what was decided. Evidence, never a verdict.

-- What comparisons need of a visit: positions and digests, kept apart so that they can be erased by their own retention.
create table maintenance.visit_fact (
    record_id uuid primary key references maintenance.record,
    unit_no integer not null,
    firm_org_id bigint not null,
    workers text[] not null,                   -- certificate number, or the name where there is none
    began timestamptz not null,
    ended timestamptz not null,
    position text,                             -- sign-in as "lon lat" to the last digit
    values_digest bytea, notes_digest bytea
);
create index visit_fact_by_time on maintenance.visit_fact (firm_org_id, began);
create index visit_fact_by_position on maintenance.visit_fact (firm_org_id, position) where position is not null;
create index visit_fact_by_values on maintenance.visit_fact (firm_org_id, values_digest) where values_digest is not null;
create index visit_fact_by_notes on maintenance.visit_fact (firm_org_id, notes_digest) where notes_digest is not null;

-- How a picture looks: digest of its pixels, 256 bits of its shades, and their 16 bands for finding near ones.
create table maintenance.picture_print (
    unit_no integer not null,
    sha256 bytea not null,
    pixels bytea not null,
    shades bit(256) not null,
    bands integer[] not null,
    detail real not null,                      -- standard deviation of the shades: 0 is one plain colour
    taken_at timestamptz,                      -- what the camera wrote into the file
    primary key (unit_no, sha256)
);
create index picture_print_by_bands on maintenance.picture_print using gin (bands);
create index picture_print_by_pixels on maintenance.picture_print (pixels);
create table maintenance.record_picture (
    record_id uuid not null references maintenance.record,
    sha256 bytea not null,
    unit_no integer not null,
    firm_org_id bigint not null,
    drawn boolean not null,
    primary key (record_id, sha256)
);
create index record_picture_by_digest on maintenance.record_picture (sha256);

create table maintenance.assessment (
    record_id uuid primary key references maintenance.record,
    unit_no integer not null,
    firm_org_id bigint not null,
    workers text[] not null,
    began timestamptz not null,
    at timestamptz not null,
    version integer not null,                  -- of the checks
    looked text[] not null,
    skipped jsonb not null                     -- [{check, reason}]: what could not be looked at weighs nothing
);
create index assessment_by_firm on maintenance.assessment (firm_org_id, began desc);

create table maintenance.finding (
    id bigint generated always as identity primary key,
    record_id uuid not null references maintenance.record,
    unit_no integer not null,
    firm_org_id bigint not null,
    check_name text not null,
    weight integer not null,
    detail jsonb not null,                     -- the numbers that explain it, by value
    state text not null check (state in ('told', 'answered', 'counted', 'dismissed', 'withdrawn')),
    found_at timestamptz not null,
    answer_by timestamptz not null,
    version integer not null default 1,
    unique (record_id, check_name)
);
create index finding_open on maintenance.finding (answer_by) where state = 'told';
create index finding_by_firm on maintenance.finding (firm_org_id, found_at desc);
create table maintenance.finding_event (
    id bigint generated always as identity primary key,
    finding_id bigint not null references maintenance.finding,
    record_id uuid not null,
    unit_no integer not null,
    firm_org_id bigint not null,
    event text not null check (event in ('found', 'answer', 'lapse', 'uphold', 'dismiss', 'withdraw')),
    at timestamptz not null,
    account_id bigint,
    who text not null default '',              -- by value
    said text not null default '',
    detail jsonb not null default '{}'
);
create index finding_event_by_finding on maintenance.finding_event (finding_id, id);
create trigger finding_event_append_only before update or delete or truncate on maintenance.finding_event
    for each statement execute function equipment.refuse_change();

-- When a record is looked at: soon after it came, again when late photos and telemetry have come, and at its confirmation.
create table maintenance.assessment_due (
    record_id uuid not null references maintenance.record,
    due_at timestamptz not null,
    primary key (record_id, due_at)
);
create index assessment_due_at on maintenance.assessment_due (due_at);

call equipment.protect('maintenance.visit_fact', 'false');
call equipment.protect('maintenance.picture_print', 'false');
call equipment.protect('maintenance.record_picture', 'false');
call equipment.protect('maintenance.assessment_due', 'false');
-- The firm that filed the record sees what is held against it, also after it lost the lift; the authority sees its area.
call equipment.protect('maintenance.assessment', $$
    (equipment.scope_kind() = 'firm' and firm_org_id = equipment.scope_organisation())
    or (equipment.scope_kind() = 'jurisdiction' and exists (select 1 from equipment.unit u where u.no = assessment.unit_no))$$);
call equipment.protect('maintenance.finding', $$
    (equipment.scope_kind() = 'firm' and firm_org_id = equipment.scope_organisation())
    or (equipment.scope_kind() = 'jurisdiction' and exists (select 1 from equipment.unit u where u.no = finding.unit_no))$$,
    'select, update (state, version)');
call equipment.protect('maintenance.finding_event', $$
    (equipment.scope_kind() = 'firm' and firm_org_id = equipment.scope_organisation())
    or (equipment.scope_kind() = 'jurisdiction' and exists (select 1 from equipment.unit u where u.no = finding_event.unit_no))$$,
    'select, insert');
create policy own_words on maintenance.finding_event as restrictive for insert to teshe_scoped with check (
    account_id = equipment.scope_account()
    and ((event = 'answer' and equipment.scope_kind() = 'firm')
         or (event in ('uphold', 'dismiss') and equipment.scope_role() in ('inspector', 'regulator'))));
