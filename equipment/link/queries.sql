-- name: side
select side from equipment.link_side;

-- name: set_side
insert into equipment.link_side (side, since) values (%s, %s) on conflict (one) do nothing;

-- name: spool
insert into equipment.link_pending (kind, content, at) values (%s, %s, %s);

-- name: lock_making
select pg_advisory_xact_lock(hashtextextended('link:make', 0));

-- name: last_made
select number, sha256, made_at from equipment.link_bundle order by number desc limit 1;

-- name: take_pending
with taken as (
    select id from equipment.link_pending order by id limit %s
), gone as (
    delete from equipment.link_pending p using taken where p.id = taken.id returning p.id, p.kind, p.content, p.at
)
select kind, content, at from gone order by id;

-- name: keep_bundle
insert into equipment.link_bundle (number, content, sha256, entries, made_at) values (%s, %s, %s, %s, %s);

-- name: waiting
select number, content, made_at from equipment.link_bundle where receipted_at is null order by number limit %s;

-- name: receipt
update equipment.link_bundle set receipted_at = %s, content = null where number <= %s and receipted_at is null returning number;

-- name: forget_receipted
delete from equipment.link_bundle where receipted_at < %s and number < (select max(number) from equipment.link_bundle);

-- name: applied
select number, sha256 from equipment.link_applied for update;

-- name: begin
insert into equipment.link_applied (number, sha256, made_at, applied_at) values (0, %s, %s, %s) on conflict (one) do nothing;

-- name: applied_now
update equipment.link_applied set number = %s, sha256 = %s, made_at = %s, applied_at = %s, problem = null, problem_at = null;

-- name: problem
update equipment.link_applied set problem = %s, problem_at = %s where problem is distinct from %s;

-- name: take_rows
select equipment.link_take_rows(%s);

-- name: done_before
select exists (select 1 from equipment.link_done where request = %s);

-- name: mark
select equipment.link_mark(%s, %s);

-- name: outcome
insert into equipment.link_outcome (request, account_id, asked_at, what, status, answer, done_at)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (request) do nothing;

-- name: ask
select equipment.link_ask(%s, %s, %s, %s);

-- name: own_outcome
select request, asked_at, what, status, answer, done_at from equipment.link_outcome where request = %s;

-- name: own_outcomes
select request, asked_at, what, status, answer, done_at from equipment.link_outcome order by request desc limit 50;

-- name: standing
select s.side, a.number, a.made_at, a.applied_at, a.problem
from equipment.link_side s cross join equipment.link_applied a;

-- name: backlog
select (select count(*) from equipment.link_pending), (select count(*) from equipment.link_bundle where receipted_at is null),
       (select min(made_at) from equipment.link_bundle where receipted_at is null),
       (select max(number) from equipment.link_bundle);

-- name: login_set
update equipment.account set must_change = false, one_time_until = null
where id = any(%s) and role in ('firm_manager', 'firm_worker', 'use_unit_director', 'use_unit_officer') and must_change;
