-- 维保单位自报台账: a firm hands in the list of its own lifts. Such a job carries the firm, is seen by it and by the authority of
-- the whole city, and touches no lift that the firm does not keep (the runner refuses the row; the plan of the runner is told).
alter table equipment.import_job
    add column firm_org_id bigint references equipment.organisation,
    add constraint import_job_of_firm check (firm_org_id is null or (
        options ->> 'source' = 'firm' and (options ->> 'organisation_id')::bigint = firm_org_id
        and not (options ->> 'create_organisations')::boolean));
alter table equipment.import_job drop constraint import_job_sha256_options_scope_path_repeat_key,
    add constraint import_job_once unique nulls not distinct (sha256, options, scope_path, firm_org_id, repeat);

drop policy registrars_insert on equipment.import_job;
drop policy registrars_update on equipment.import_job;
create policy own_firm on equipment.import_job to teshe_scoped
    using (equipment.scope_kind() = 'firm' and firm_org_id = equipment.scope_organisation())
    with check (equipment.scope_kind() = 'firm' and firm_org_id = equipment.scope_organisation());
create policy importers_insert on equipment.import_job as restrictive for insert to teshe_scoped with check (
    account_id = equipment.scope_account() and (equipment.scope_role() in ('inspector', 'regulator')
        or equipment.scope_role() = 'firm_manager' and firm_org_id = equipment.scope_organisation()));
create policy importers_update on equipment.import_job as restrictive for update to teshe_scoped using (
    equipment.scope_role() in ('inspector', 'regulator')
    or equipment.scope_role() = 'firm_manager' and firm_org_id = equipment.scope_organisation());

create or replace function equipment.import_problems(job bigint, after_id bigint, most integer)
returns table (id bigint, line integer, severity text, title text, value text, why text, remedy text)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select p.id, p.line, p.severity, p.title, p.value, p.why, p.remedy
    from equipment.import_problem p join equipment.import_job j on j.id = p.job_id
    where p.job_id = job and (p.line, p.id) > (coalesce((select x.line from equipment.import_problem x where x.id = after_id), 0), after_id)
      and (not equipment.is_scoped()
           or (equipment.scope_kind() = 'jurisdiction' and starts_with(j.scope_path, equipment.scope_path()))
           or (equipment.scope_kind() = 'firm' and j.firm_org_id = equipment.scope_organisation()))
    order by p.line, p.id
    limit most
$$;
