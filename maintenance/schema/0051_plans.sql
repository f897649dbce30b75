-- 维保计划: on-demand plans with what was true when they were accepted, who goes to which lift, and reminders.
create table maintenance.on_demand_plan (
    id bigint generated always as identity primary key,
    unit_no integer not null,
    firm_org_id bigint not null,
    use_org_id bigint,
    state text not null check (state in ('proposed', 'agreed', 'accepted', 'suspended', 'ended')),
    interval_days integer not null check (interval_days between 15 and 365),
    items text not null,                       -- what is done at a visit, as published
    quality_target text not null,
    proposed_at timestamptz not null,
    conditions jsonb not null default '[]',    -- as judged at the last step, by value
    version integer not null default 1
);
create unique index on_demand_plan_open on maintenance.on_demand_plan (unit_no) where state <> 'ended';
create table maintenance.on_demand_plan_event (
    id bigint generated always as identity primary key,
    plan_id bigint not null references maintenance.on_demand_plan,
    unit_no integer not null,
    event text not null,
    at timestamptz not null,
    account_id bigint,
    who text not null default '',
    reason text not null default '',
    conditions jsonb not null default '[]'
);
create trigger on_demand_plan_event_append_only before update or delete or truncate on maintenance.on_demand_plan_event
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.on_demand_plan', 'exists (select 1 from equipment.unit u where u.no = on_demand_plan.unit_no)',
    'select, insert, update (state, conditions, version)');
create policy own_proposals on maintenance.on_demand_plan as restrictive for insert to teshe_scoped
    with check (equipment.scope_kind() = 'firm' and firm_org_id = equipment.scope_organisation() and state = 'proposed');
call equipment.protect('maintenance.on_demand_plan_event',
    'exists (select 1 from equipment.unit u where u.no = on_demand_plan_event.unit_no)', 'select, insert');
create policy own_steps on maintenance.on_demand_plan_event as restrictive for insert to teshe_scoped
    with check (account_id = equipment.scope_account());

-- Who goes to which lift: the firm's own affair.
create table maintenance.unit_worker (
    unit_no integer primary key,
    firm_org_id bigint not null,
    person_id bigint not null references equipment.person,
    changed_at timestamptz not null
);
call equipment.protect('maintenance.unit_worker', 'firm_org_id = equipment.scope_organisation() and exists (select 1 from equipment.unit u where u.no = unit_worker.unit_no)',
    'select, insert, update, delete');

-- 提醒: written once per visit and step; pages show them, the desk's notifiers may carry them further.
create table maintenance.reminder (
    id bigint generated always as identity primary key,
    unit_no integer not null,
    firm_org_id bigint,
    use_org_id bigint,
    kind text not null check (kind in ('visit', 'confirmation', 'duty')),
    subject text not null,                     -- level, record or duty
    due_on date not null,
    step integer not null,                     -- days after the due day, negative: before
    at timestamptz not null,
    unique (unit_no, kind, subject, due_on, step)
);
create index reminder_by_time on maintenance.reminder (at desc);
call equipment.protect('maintenance.reminder', 'exists (select 1 from equipment.unit u where u.no = reminder.unit_no)');

-- What entry to on-demand maintenance asks of a lift's firm; a grade or licence is not the caller's to see everywhere.
create function maintenance.firm_standing(wanted bigint, today date)
returns table (licensed boolean, grade text)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select exists (select 1 from equipment.licence l where l.organisation_id = wanted and l.kind = 'maintenance' and l.valid @> today),
           (select g.grade from equipment.credit_grade g where g.organisation_id = wanted and g.since <= today order by g.since desc limit 1)
$$;
-- Whether the terminal of a lift is online; null: it has never said anything.
create function maintenance.terminal_online(wanted integer) returns boolean
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select s.online from ingest.unit_state s where s.unit_no = wanted and equipment.unit_in_scope(wanted)
$$;
-- Ending a plan or letting it pause is not editing the register: only these two values move, and only with an accepted plan.
create function maintenance.set_mode(plan bigint, wanted text, at timestamptz, why text) returns void
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare p maintenance.on_demand_plan;
begin
    select * into strict p from maintenance.on_demand_plan f where f.id = plan for update;
    if not equipment.unit_in_scope(p.unit_no) then raise exception 'not yours' using errcode = 'insufficient_privilege'; end if;
    if wanted = 'on_demand' and equipment.is_scoped()
       and equipment.scope_role() not in ('inspector', 'regulator') then
        raise exception 'the authority accepts' using errcode = 'insufficient_privilege';
    end if;
    perform equipment.write_period('mode', p.unit_no, wanted, daterange(equipment.shanghai_day(at), null), at, why);
    perform equipment.rebuild_segments(array[p.unit_no]);
    perform equipment.project(array[p.unit_no], at);
end $$;
revoke all on function maintenance.firm_standing(bigint, date), maintenance.terminal_online(integer),
    maintenance.set_mode(bigint, text, timestamptz, text) from public;
grant execute on function maintenance.firm_standing(bigint, date), maintenance.terminal_online(integer),
    maintenance.set_mode(bigint, text, timestamptz, text) to teshe_scoped, teshe_system;
