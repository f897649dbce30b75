-- name: insert_job
insert into equipment.import_job (file_name, file_bytes, sha256, options, repeat, account_id, scope_path, firm_org_id, created_at,
    changed_at)
values (%(file_name)s, %(file_bytes)s, %(sha256)s, %(options)s, %(repeat)s, %(account_id)s, %(scope_path)s, %(firm)s, %(now)s, %(now)s)
on conflict (sha256, options, scope_path, firm_org_id, repeat) do nothing
returning id;

-- name: same_jobs
select id, repeat, state from equipment.import_job
where sha256 = %(sha256)s and options = %(options)s and scope_path = %(scope_path)s
  and firm_org_id is not distinct from %(firm)s order by repeat desc limit 1;

-- name: insert_chunk
insert into equipment.import_chunk (job_id, no, content) values (%s, %s, %s);

-- name: chunks
select no from equipment.import_chunk where job_id = %s order by no;

-- name: chunk
select content from equipment.import_chunk where job_id = %s and no = %s;

-- name: forget_file
delete from equipment.import_chunk where job_id = %s;

-- name: job_columns
select id, file_name, file_bytes, options, repeat, account_id, scope_path, state, phase, rows_done, rows_total, encoding,
       ignored_columns, counts, failure, staged, created_at, changed_at, finished_at, firm_org_id
from equipment.import_job;

-- name: whole_city
select path from equipment.jurisdiction where parent_id is null order by path limit 1;

-- name: where_job
where id = %s;

-- name: newest_jobs
where id < %s order by id desc limit %s;

-- name: lock_job
select state from equipment.import_job where id = %s for update;

-- name: set_state
update equipment.import_job set state = %(state)s, phase = 'waiting', changed_at = %(now)s,
    finished_at = case when %(finished)s then %(now)s else finished_at end
where id = %(job)s;

-- name: fail_job
update equipment.import_job set failure = %s where id = %s;

-- name: open_jobs
select id from equipment.import_job where state in ('received', 'applying') order by id;

-- name: try_lock
select pg_try_advisory_lock(hashtextextended('equipment.import:' || %s, 0));

-- name: unlock
select pg_advisory_unlock(hashtextextended('equipment.import:' || %s, 0));

-- name: progress
update equipment.import_job set phase = %s, rows_done = %s, rows_total = %s, changed_at = %s where id = %s;

-- name: set_file
update equipment.import_job set encoding = %s, ignored_columns = %s where id = %s;

-- name: set_staged
update equipment.import_job set staged = true where id = %s;

-- name: set_counts
update equipment.import_job set counts = %s where id = %s;

-- name: clear_rows
delete from equipment.import_row where job_id = %s;

-- name: clear_problems
delete from equipment.import_problem where job_id = %s and stage = %s;

-- name: clear_plan
delete from equipment.import_plan p where p.job_id = %s
    and not exists (select 1 from equipment.import_applied a where a.job_id = p.job_id and a.line = p.line);

-- name: clear_matches
delete from equipment.import_match where job_id = %s;

-- name: match_rows
insert into equipment.import_match (job_id, line, found, unit_no)
with wanted as materialized (
    select r.* from equipment.import_row r
    where r.job_id = %(job)s
      and not exists (select 1 from equipment.import_applied a where a.job_id = r.job_id and a.line = r.line)
), met as (
    select w.line, 0 as rank, s.unit_no from wanted w
        join equipment.unit_source s on s.source = %(source)s and s.source_key = w.source_key
    union all select w.line, 1, u.no from wanted w join equipment.unit u on u.id = w.id
    union all select w.line, 2, u.no from wanted w join equipment.unit u on u.device_code = w.device_code
    union all select w.line, 3, u.no from wanted w join equipment.unit u on u.registration_code = w.registration_code
    union all select w.line, 4, u.no from wanted w join equipment.unit u on u.certificate_no = w.certificate_no
    union all select w.line, 5, u.no from wanted w join equipment.unit u on u.rescue_code = w.rescue_code
    union all select w.line, 6, u.no from wanted w
        join equipment.unit u on %(by_place)s
        and equipment.place_key(u.address, u.internal_no) = equipment.place_key(w.stated ->> 'address', w.stated ->> 'internal_no')
), ranked as (
    select m.line, m.rank, array_agg(m.unit_no order by m.unit_no) as units,
           array_agg(case when starts_with(u.jurisdiction_path, %(scope)s)
                               and (%(firm)s::bigint is null or u.firm_org_id = %(firm)s) then u.id end order by m.unit_no) as ids
    from met m join equipment.unit u on u.no = m.unit_no
    group by m.line, m.rank
)
select %(job)s, line, jsonb_agg(jsonb_build_array(rank, units, ids) order by rank),
       -- the surest code that names one unit and not several
       (array_agg(units[1] order by rank) filter (where cardinality(units) = 1))[1]
from ranked group by line;

-- name: analyze_rows
analyze equipment.import_row;

-- name: analyze_plans
analyze equipment.import_plan, equipment.import_applied, equipment.import_match;

-- name: row_count
select count(*)::int from equipment.import_row where job_id = %s;

-- name: twins
with held as (
    select 'source_key' as field, source_key as value, line from equipment.import_row where job_id = %(job)s
    union all select 'id', id, line from equipment.import_row where job_id = %(job)s and id is not null
    union all select 'device_code', device_code, line from equipment.import_row where job_id = %(job)s and device_code is not null
    union all select 'registration_code', registration_code, line from equipment.import_row
        where job_id = %(job)s and registration_code is not null
    union all select 'rescue_code', rescue_code, line from equipment.import_row where job_id = %(job)s and rescue_code is not null
)
select field, array_agg(line order by line) from held group by field, value having count(*) > 1;

-- name: stated_organisations
select distinct 'use_unit', use_org, use_org_code from equipment.import_row
where job_id = %(job)s and (use_org is not null or use_org_code is not null)
union
select distinct 'maintenance_firm', firm_org, firm_org_code from equipment.import_row
where job_id = %(job)s and (firm_org is not null or firm_org_code is not null);

-- name: organisations_by_code
select credit_code, id, kind, name from equipment.organisation where credit_code = any(%s);

-- name: organisations_by_name
select name, kind, id, credit_code from equipment.organisation where name = any(%s);

-- name: organisations_to_create
select 'use_unit', r.use_org, r.use_org_code, min(coalesce(p.patch ->> 'jurisdiction_id', u.jurisdiction_id))
from equipment.import_plan p
join equipment.import_row r on r.job_id = p.job_id and r.line = p.line
left join equipment.unit u on u.no = p.unit_no
where p.job_id = %(job)s and p.outcome in ('new', 'update') and p.patch ->> 'use_org_id' = 'create'
group by r.use_org, r.use_org_code
union all
select 'maintenance_firm', r.firm_org, r.firm_org_code, min(coalesce(p.patch ->> 'jurisdiction_id', u.jurisdiction_id))
from equipment.import_plan p
join equipment.import_row r on r.job_id = p.job_id and r.line = p.line
left join equipment.unit u on u.no = p.unit_no
where p.job_id = %(job)s and p.outcome in ('new', 'update') and p.patch ->> 'firm_org_id' = 'create'
group by r.firm_org, r.firm_org_code;

-- name: kept_values
select distinct on (source_key, field) source_key, field, source_value, decision from equipment.reconciliation
where source = %s and decision in ('keep', 'ignore') order by source_key, field, decided_at desc;

-- name: applied_units
select unit_no, line from equipment.import_applied where job_id = %s and unit_no is not null;

-- name: planned_rows
select r.line, r.source_key, r.stated, r.broken, m.found, u.no, u.jurisdiction_path, u.changed_at, {unit_columns}
from equipment.import_row r
left join equipment.import_match m on m.job_id = r.job_id and m.line = r.line
left join equipment.unit u on u.no = m.unit_no
where r.job_id = %(job)s and r.line > %(after)s
  and not exists (select 1 from equipment.import_applied a where a.job_id = r.job_id and a.line = r.line)
order by r.line
limit %(limit)s;

-- name: outcomes
select outcome, count(*)::int, coalesce(sum(jsonb_array_length(conflicts)), 0)::int
from equipment.import_plan where job_id = %s group by outcome;

-- name: notes
select count(distinct line)::int from equipment.import_problem where job_id = %s and severity = 'note';

-- name: pending_lines
select p.line from equipment.import_plan p
where p.job_id = %(job)s and p.line > %(after)s and (p.outcome <> 'refused' or p.conflicts <> '[]')
  and not exists (select 1 from equipment.import_applied a where a.job_id = p.job_id and a.line = p.line)
order by p.line limit %(limit)s;

-- name: pending_count
select count(*)::int from equipment.import_plan p
where p.job_id = %(job)s and (p.outcome <> 'refused' or p.conflicts <> '[]')
  and not exists (select 1 from equipment.import_applied a where a.job_id = p.job_id and a.line = p.line);

-- name: lock_planned_units
select 1 from equipment.unit u
where u.no in (select p.unit_no from equipment.import_plan p where p.job_id = %(job)s and p.line = any(%(lines)s) and p.outcome = 'update')
order by u.no for no key update;

-- name: stale_lines
select p.line from equipment.import_plan p join equipment.unit u on u.no = p.unit_no
where p.job_id = %(job)s and p.line = any(%(lines)s) and p.outcome = 'update' and u.changed_at <> p.read_at;

-- name: planned_lines
select line, outcome, unit_no, patch ->> 'id' from equipment.import_plan where job_id = %(job)s and line = any(%(lines)s);

-- name: insert_units
insert into equipment.unit ({columns}, changed_at)
select {values}, %(now)s
from equipment.import_plan p cross join lateral jsonb_populate_record(null::equipment.unit, p.patch) v
where p.job_id = %(job)s and p.line = any(%(lines)s) and p.outcome = 'new'
order by p.line
returning id, no;

-- name: mark_applied
insert into equipment.import_applied (job_id, line, unit_no)
select %(job)s, a.line, a.unit_no from unnest(%(lines)s::integer[], %(units)s::integer[]) a(line, unit_no);

-- name: changes_to_audit
-- before the unit is changed
select p.outcome, u.id, (select jsonb_object_agg(k, to_jsonb(u) -> k) from jsonb_object_keys(p.patch) k where p.outcome = 'update'),
       p.patch, p.line
from unnest(%(lines)s::integer[], %(units)s::integer[]) a(line, unit_no)
join equipment.import_plan p on p.job_id = %(job)s and p.line = a.line and p.outcome in ('new', 'update')
join equipment.unit u on u.no = a.unit_no
order by p.line;

-- name: update_units
update equipment.unit u set {assignments}, changed_at = %(now)s
from equipment.import_plan p, equipment.unit b, lateral jsonb_populate_record(b, p.patch) v
where p.job_id = %(job)s and p.line = any(%(lines)s) and p.outcome = 'update' and b.no = p.unit_no and u.no = b.no;

-- name: link_sources
insert into equipment.unit_source (source, source_key, unit_no, linked_by, linked_at)
select %(source)s, r.source_key, a.unit_no, %(account)s, %(now)s
from unnest(%(lines)s::integer[], %(units)s::integer[]) a(line, unit_no)
join equipment.import_plan p on p.job_id = %(job)s and p.line = a.line and p.outcome in ('new', 'update', 'unchanged')
join equipment.import_row r on r.job_id = p.job_id and r.line = p.line
where a.unit_no is not null
on conflict (source, source_key) do nothing;

-- name: open_reconciliations
insert into equipment.reconciliation (source, source_key, kind, field, unit_no, candidates, jurisdiction_path, registry_value,
    source_value, job_id, line, opened_at, seen_at)
select %(source)s, r.source_key, c ->> 'kind', c ->> 'field', p.unit_no,
       coalesce((select array_agg(x::integer) from jsonb_array_elements_text(c -> 'candidates') x), '{}'),
       coalesce(u.jurisdiction_path, j.path, nullif(%(scope)s, '/'),
                (select t.path from equipment.jurisdiction t where t.parent_id is null order by t.path limit 1), '/'), c -> 'registry', c -> 'source', p.job_id, p.line, %(now)s, %(now)s
from equipment.import_plan p
join equipment.import_row r on r.job_id = p.job_id and r.line = p.line
cross join lateral jsonb_array_elements(p.conflicts) c
left join equipment.unit u on u.no = p.unit_no
left join equipment.jurisdiction j on j.id = r.jurisdiction_id
where p.job_id = %(job)s and p.line = any(%(lines)s)
on conflict (source, source_key, kind, field) where decision is null
do update set source_value = excluded.source_value, registry_value = excluded.registry_value, unit_no = excluded.unit_no,
    candidates = excluded.candidates, jurisdiction_path = excluded.jurisdiction_path, seen_at = excluded.seen_at,
    job_id = excluded.job_id, line = excluded.line;

-- name: settle_reconciliations
-- what the source does not say any more, or the registry now says too, needs nobody's decision
update equipment.reconciliation x set decision = 'settled', decided_at = %(now)s, reason = '来源与台账已一致 (they agree now)'
from equipment.import_plan p join equipment.import_row r on r.job_id = p.job_id and r.line = p.line
where p.job_id = %(job)s and p.line = any(%(lines)s) and p.outcome in ('new', 'update', 'unchanged')
  and x.source = %(source)s and x.source_key = r.source_key and x.decision is null
  and not exists (select 1 from jsonb_array_elements(p.conflicts) c where c ->> 'kind' = x.kind and c ->> 'field' = x.field);

-- name: refuse_line
update equipment.import_plan set outcome = 'refused', patch = '{}', conflicts = '[]' where job_id = %s and line = %s;

-- name: insert_problem
insert into equipment.import_problem (job_id, line, stage, severity, title, value, why, remedy)
values (%s, %s, 'check', %s, %s, %s, %s, %s);

-- name: problems
select id, line, severity, title, value, why, remedy from equipment.import_problems(%s, %s, %s);

-- name: forget_rows
delete from equipment.import_row r using equipment.import_job j
where j.id = r.job_id and j.finished_at < %s;

-- name: forget_applied
delete from equipment.import_applied r using equipment.import_job j
where j.id = r.job_id and j.finished_at < %s;

-- name: forget_plans
delete from equipment.import_plan r using equipment.import_job j
where j.id = r.job_id and j.finished_at < %s;

-- name: export_units
select u.no, u.id, u.variety_code, u.device_code, u.registration_code, u.certificate_no, u.rescue_code, u.internal_no, u.name,
       u.place_name, u.building, u.entrance, u.address, u.jurisdiction_id, u.lon, u.lat, u.datum, o.name as use_org,
       o.credit_code as use_org_code, f.name as firm_org, f.credit_code as firm_org_code, u.status, u.manufacturer,
       u.make_date, u.first_use_date, u.device_model, u.insurance_valid_to, u.parameters
from equipment.unit u
left join equipment.organisation o on o.id = u.use_org_id
left join equipment.organisation f on f.id = u.firm_org_id
where (%(kind)s = '' or u.kind = %(kind)s) and (%(status)s = '' or u.status = %(status)s)
  and (%(jurisdiction)s = '' or strpos(u.jurisdiction_path, %(jurisdiction)s) > 0)
  and u.no > %(after)s
order by u.no
limit %(limit)s;

-- name: reconciliations
select x.id, x.source, x.source_key, x.kind, x.field, x.unit_no, u.id, u.name, x.candidates,
       coalesce((select array_agg(c.id order by c.id) from equipment.unit c where c.no = any(x.candidates)), '{}'),
       x.registry_value, x.source_value, x.job_id, x.line, x.opened_at, x.seen_at, x.decision, x.reason, a.display_name, x.decided_at
from equipment.reconciliation x
left join equipment.unit u on u.no = x.unit_no
left join equipment.account a on a.id = x.decided_by
where (%(item)s::bigint is null or x.id = %(item)s)
  and (%(source)s = '' or x.source = %(source)s) and (%(kind)s = '' or x.kind = %(kind)s)
  and (%(decided)s::boolean is null or (x.decision is not null) = %(decided)s)
  and x.id > %(after)s
order by x.id
limit %(limit)s;

-- name: open_counts
select source, kind, count(*)::int from equipment.reconciliation where decision is null group by source, kind order by source, kind;

-- name: lock_item
select 1 from equipment.reconciliation where id = %s for update;

-- name: close_item
update equipment.reconciliation set decision = %s, reason = %s, decided_by = %s, decided_at = %s where id = %s and decision is null;

-- name: link_source
insert into equipment.unit_source (source, source_key, unit_no, linked_by, linked_at) values (%s, %s, %s, %s, %s)
on conflict (source, source_key) do update set unit_no = excluded.unit_no, linked_by = excluded.linked_by, linked_at = excluded.linked_at;

-- name: one_organisation
select min(id) from equipment.organisation
where (%(code)s::text is not null and credit_code = %(code)s) or (%(code)s::text is null and kind = %(kind)s and name = %(name)s)
having count(*) = 1;
