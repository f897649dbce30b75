-- 事故登记 in full: what decides the level, when it was known, cause, why it is not counted, and what followed.
alter table equipment.accident drop constraint accident_level_check;
alter table equipment.accident
    add constraint accident_level_check check (level in ('below', 'general', 'larger', 'major', 'extraordinary')),
    add column minor_injuries integer not null default 0 check (minor_injuries >= 0),
    add column trapped_people integer check (trapped_people >= 0),
    add column later_deaths integer not null default 0 check (later_deaths >= 0),   -- after the 30 days that count
    add column known_at timestamptz,                    -- the head of the unit learned of it; null: at once
    add column cause text not null default 'open',
    add column exclusion text,                          -- 总局令第50号 art. 3, as a clause of the register
    add column facts jsonb not null default '{}',
    add column incident_number text,                    -- 应急事件 it came from
    add column level_basis text[] not null default '{}',
    add column correction_reason text;
create index accident_by_time on equipment.accident (occurred_at);

create or replace view equipment.accident_current with (security_invoker = true) as
    select a.* from equipment.accident a where not equipment.accident_corrected(a.id);

-- What the register said at a moment: asked without the caller's scope, like accident_corrected.
create function equipment.accident_corrected_by(entry bigint, at timestamptz) returns boolean
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select exists (select 1 from equipment.accident c where c.corrects = entry and c.recorded_at <= at)
$$;
revoke all on function equipment.accident_corrected_by(bigint, timestamptz) from public;
grant execute on function equipment.accident_corrected_by(bigint, timestamptz) to teshe_scoped, teshe_system;

-- 续报: reports upward, new facts, casualties that changed, the investigation, the closure.
create table equipment.accident_follow_up (
    id bigint generated always as identity primary key,
    number text not null,
    event text not null check (event in ('report', 'fact', 'casualty', 'investigation', 'closure')),
    step text,
    at timestamptz not null,
    recorded_at timestamptz not null,
    account_id bigint,
    note text not null default '',
    detail jsonb not null default '{}',
    check ((event = 'report') = (step is not null))
);
create index accident_follow_up_by_number on equipment.accident_follow_up (number, at);
create trigger accident_follow_up_append_only before update or delete or truncate on equipment.accident_follow_up
    for each statement execute function equipment.refuse_change();
call equipment.protect('equipment.accident_follow_up',
    'exists (select 1 from equipment.accident a where a.number = accident_follow_up.number)', 'select, insert');
create policy reporters on equipment.accident_follow_up as restrictive for insert to teshe_scoped with check (
    equipment.scope_role() in ('inspector', 'regulator') and account_id = equipment.scope_account());
