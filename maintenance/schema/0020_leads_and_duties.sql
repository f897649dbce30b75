-- 线索 and 隐患 of a unit or, where there is none (a filling station), of an organisation. Where the subject lies and who looks
-- after it is kept beside it, so that a ledger of a million rows is searched without asking the register row by row.
alter table maintenance.lead
    alter column unit_no drop not null,
    add column org_id bigint references equipment.organisation,
    add column jurisdiction_path text, add column firm_org_id bigint, add column use_org_id bigint,
    add column overdue_told_at timestamptz, add column overdue_times integer not null default 0,
    add column answered_at timestamptz,        -- the duty that was missed has been done since; a person still judges
    add check ((unit_no is null) <> (org_id is null));
alter table maintenance.hazard
    alter column unit_no drop not null,
    add column org_id bigint references equipment.organisation,
    add column jurisdiction_path text, add column firm_org_id bigint, add column use_org_id bigint,
    add column source_kind text, add column cause text,
    add column responsible_person text, add column funds text, add column plan text,   -- 五落实, with unit, measures and deadline
    add column supervised_at timestamptz,      -- 挂牌督办 since
    add column extension_until timestamptz,    -- 延期 asked for and not yet answered
    add column overdue_at timestamptz,         -- when the deadline was found passed; told once per deadline
    add column step_due_at timestamptz,        -- until when the next step is expected
    add column step_late boolean not null default false,
    add column notices integer not null default 0,
    add column reopened integer not null default 0,
    add column look_back text check (look_back in ('due', 'passed')),
    add column self_closed boolean not null default false,
    add column risk jsonb, add column risk_colour text check (risk_colour in ('red', 'orange', 'yellow', 'blue')),
    add check ((unit_no is null) <> (org_id is null));
alter table maintenance.lead_event alter column unit_no drop not null;
alter table maintenance.hazard_event alter column unit_no drop not null;

create function maintenance.place_subject() returns trigger
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    if new.unit_no is not null then
        select u.jurisdiction_path, u.firm_org_id, u.use_org_id
        into strict new.jurisdiction_path, new.firm_org_id, new.use_org_id from equipment.unit u where u.no = new.unit_no;
    else
        select j.path, null, o.id into strict new.jurisdiction_path, new.firm_org_id, new.use_org_id
        from equipment.organisation o join equipment.jurisdiction j on j.id = o.jurisdiction_id where o.id = new.org_id;
    end if;
    return new;
end $$;
update maintenance.lead l set jurisdiction_path = u.jurisdiction_path, firm_org_id = u.firm_org_id, use_org_id = u.use_org_id
from equipment.unit u where u.no = l.unit_no;
update maintenance.hazard h set jurisdiction_path = u.jurisdiction_path, firm_org_id = u.firm_org_id, use_org_id = u.use_org_id
from equipment.unit u where u.no = h.unit_no;
update maintenance.hazard h set source_kind = l.source_kind, cause = l.cause from maintenance.lead l where l.id = h.lead_id;
alter table maintenance.lead alter column jurisdiction_path set not null;
alter table maintenance.hazard alter column jurisdiction_path set not null;
create trigger lead_placed before insert on maintenance.lead for each row execute function maintenance.place_subject();
create trigger hazard_placed before insert on maintenance.hazard for each row execute function maintenance.place_subject();

-- A unit that moves, or changes its firm, takes its leads and hazards along.
create function maintenance.unit_moved() returns trigger
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    update maintenance.lead l set jurisdiction_path = n.jurisdiction_path, firm_org_id = n.firm_org_id, use_org_id = n.use_org_id
    from new_unit n where n.no = l.unit_no
      and (l.jurisdiction_path, l.firm_org_id, l.use_org_id) is distinct from (n.jurisdiction_path, n.firm_org_id, n.use_org_id);
    update maintenance.hazard h set jurisdiction_path = n.jurisdiction_path, firm_org_id = n.firm_org_id, use_org_id = n.use_org_id
    from new_unit n where n.no = h.unit_no
      and (h.jurisdiction_path, h.firm_org_id, h.use_org_id) is distinct from (n.jurisdiction_path, n.firm_org_id, n.use_org_id);
    return null;
end $$;
create trigger unit_takes_its_hazards after update on equipment.unit referencing new table as new_unit
    for each statement execute function maintenance.unit_moved();

alter policy scoped on maintenance.lead using (equipment.in_scope(jurisdiction_path, firm_org_id, use_org_id))
    with check (equipment.in_scope(jurisdiction_path, firm_org_id, use_org_id));
alter policy scoped on maintenance.hazard using (equipment.in_scope(jurisdiction_path, firm_org_id, use_org_id))
    with check (equipment.in_scope(jurisdiction_path, firm_org_id, use_org_id));
alter policy scoped on maintenance.lead_event using (exists (select 1 from maintenance.lead l where l.id = lead_event.lead_id))
    with check (exists (select 1 from maintenance.lead l where l.id = lead_event.lead_id));
alter policy scoped on maintenance.hazard_event using (exists (select 1 from maintenance.hazard h where h.id = hazard_event.hazard_id))
    with check (exists (select 1 from maintenance.hazard h where h.id = hazard_event.hazard_id));

-- The same cause joins: one pending lead per subject and cause; a finding with its own id is judged once.
drop index maintenance.lead_one_open_per_cause;
create unique index lead_one_open_per_cause on maintenance.lead (coalesce(unit_no, 0), coalesce(org_id, 0), cause) where state = 'pending';
create index lead_by_unit on maintenance.lead (unit_no, source_id);
create index lead_event_by_lead on maintenance.lead_event (lead_id, id);
create index hazard_open_cause on maintenance.hazard (unit_no, cause) where state not in ('closed', 'unsubstantiated');

-- Who may list and change a hazard at all; which step each may take is decided by the table of steps.
create policy officers_insert on maintenance.hazard as restrictive for insert to teshe_scoped
    with check (equipment.scope_role() = 'inspector' and state = 'listed');
create policy actors_update on maintenance.hazard as restrictive for update to teshe_scoped
    using (equipment.scope_role() in ('inspector', 'regulator', 'firm_manager', 'use_unit_director', 'use_unit_officer'));

-- Nothing closes without evidence, whoever asks: at commit a closed hazard has an entry that closed it and says by what.
create function maintenance.closed_with_evidence() returns trigger
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    if not exists (
        select 1 from maintenance.hazard_event e
        where e.hazard_id = new.id and e.to_state = new.state and e.at = new.closed_at and e.account_id is not null
          and length(btrim(coalesce(e.evidence ->> 'evidence', ''))) > 0
    ) then
        raise exception 'hazard % cannot end without an entry that carries its evidence', new.number
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
create constraint trigger hazard_ends_with_evidence after update of state on maintenance.hazard deferrable initially deferred
    for each row when (new.state in ('closed', 'unsubstantiated') and old.state is distinct from new.state)
    execute function maintenance.closed_with_evidence();
create function maintenance.hazard_stays() returns trigger language plpgsql as $$
begin
    raise exception 'a hazard is never removed: it ends by its own steps' using errcode = 'integrity_constraint_violation';
end $$;
create trigger hazard_stays before delete or truncate on maintenance.hazard for each statement execute function maintenance.hazard_stays();

-- Where a daily walk over the register has got to.
create table maintenance.scan_cursor (
    name text primary key,
    after_no integer not null,
    day date not null
);
grant select, insert, update on maintenance.scan_cursor to teshe_system;

-- The clocks of the jobs look at these and nothing else.
create index hazard_to_be_overdue on maintenance.hazard (due_at)
    where state in ('handed_over', 'receipted', 'rectifying') and overdue_at is null;
create index hazard_step_clock on maintenance.hazard (step_due_at)
    where state not in ('closed', 'unsubstantiated') and not step_late;

-- 照片: the bytes as they came. What an entry says of a file, its digest, is sealed with the entry.
create table maintenance.evidence_file (
    id bigint generated always as identity primary key,
    hazard_id bigint not null references maintenance.hazard,
    stage text not null check (stage in ('before', 'after', 'other')),
    media_type text not null,
    bytes integer not null check (bytes between 1 and 8388608),
    sha256 bytea not null check (length(sha256) = 32 and sha256 = sha256(data)),
    data bytea not null,
    uploaded_at timestamptz not null,
    uploaded_by bigint not null,
    unique (hazard_id, stage, sha256)
);
create trigger evidence_file_append_only before update or delete or truncate on maintenance.evidence_file
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.evidence_file',
    'exists (select 1 from maintenance.hazard h where h.id = evidence_file.hazard_id)', 'select, insert');
create policy own_file on maintenance.evidence_file as restrictive for insert to teshe_scoped
    with check (uploaded_by = equipment.scope_account());
