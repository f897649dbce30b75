-- 交接: open work that lies with one person moves to another of the same role and bound. What is bound to an area moves
-- with the assignment itself; what was charged to a person by name (指派) would stay behind.
create function dashboards.hand_over_work(p_from bigint, p_to bigint, p_reason text, p_at timestamptz) returns integer
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    heir equipment.account;
    found record;
    moved integer := 0;
begin
    select t.* into heir from equipment.account f join equipment.account t on t.id = p_to and t.role = f.role
        and t.organisation_id is not distinct from f.organisation_id and (t.jurisdiction_id is null) = (f.jurisdiction_id is null)
    where f.id = p_from and f.id <> p_to and equipment.manages_accounts() and equipment.account_open(t.id, p_at)
      and (equipment.is_operator() or t.organisation_id is not null
           or (select starts_with(j.path, equipment.scope_path()) from equipment.jurisdiction j where j.id = t.jurisdiction_id));
    if heir.id is null then
        return null;
    end if;
    for found in
        update alarms.alarm a set assigned_account = heir.id, assigned_to = heir.display_name
        where a.assigned_account = p_from and a.state <> 'normal' returning a.id, a.unit_no, a.state
    loop
        insert into alarms.alarm_event (alarm_id, unit_no, event, from_state, to_state, at, recorded_at, account_id, reason, evidence)
        values (found.id, found.unit_no, 'assigned', found.state, found.state, p_at, p_at, equipment.scope_account(), p_reason,
            jsonb_build_object('assigned_to', heir.display_name, 'assignee', 'account:' || heir.id));
        perform equipment.publish('desk', 'alarm', found.unit_no, jsonb_build_object('alarm_id', found.id, 'event', 'assigned',
            'state', found.state, 'at', to_jsonb(p_at), 'by', null), p_at);
        moved := moved + 1;
    end loop;
    return moved;
end $$;
revoke all on function dashboards.hand_over_work(bigint, bigint, text, timestamptz) from public;
grant execute on function dashboards.hand_over_work(bigint, bigint, text, timestamptz) to teshe_scoped, teshe_system;
