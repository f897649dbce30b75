-- 依法删除: what was erased, why and when. The content of a record may go only after the log itself says that it was erased.
create table maintenance.erasure (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('photo', 'record', 'retention')),
    subject text not null,                     -- digest, record, class: names the thing without saying anything of it
    unit_no integer,
    at timestamptz not null,
    reason text not null,
    count integer not null default 1
);
create index erasure_by_subject on maintenance.erasure (subject);
create trigger erasure_append_only before update or delete or truncate on maintenance.erasure
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.erasure', 'unit_no is not null and exists (select 1 from equipment.unit u where u.no = erasure.unit_no)');

create function maintenance.erased_by_law(wanted_kind text, wanted_subject text) returns boolean
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select exists (select 1 from equipment.log_opening where kind = wanted_kind and subject = wanted_subject and salt is null)
$$;
revoke all on function maintenance.erased_by_law(text, text) from public;
grant execute on function maintenance.erased_by_law(text, text) to teshe_scoped, teshe_system;

create or replace function maintenance.record_content_stays() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and (new.id, new.unit_no, new.firm_org_id, new.idempotency_key, new.level, new.template, new.started_at,
            new.ended_at, new.received_at, new.corrects, new.content, new.digest, new.workers, new.seal_key_id, new.seal)
       is not distinct from (old.id, old.unit_no, old.firm_org_id, old.idempotency_key, old.level, old.template,
            old.started_at, old.ended_at, old.received_at, old.corrects, old.content, old.digest, old.workers,
            old.seal_key_id, old.seal) then
        return new;
    end if;
    if tg_op = 'UPDATE' and new.content = '{"erased": true}' and new.workers = '[]' and maintenance.erased_by_law('record', old.id::text)
       and (new.id, new.unit_no, new.firm_org_id, new.level, new.template, new.started_at, new.ended_at, new.received_at, new.corrects)
       is not distinct from (old.id, old.unit_no, old.firm_org_id, old.level, old.template, old.started_at, old.ended_at,
            old.received_at, old.corrects) then
        return new;
    end if;
    raise exception 'a filed record is never changed or removed: file a correction'
        using errcode = 'integrity_constraint_violation';
end $$;

create function maintenance.stays_unless_erased() returns trigger language plpgsql as $$
begin
    if maintenance.erased_by_law('record', old.record_id::text) then
        return case when tg_op = 'DELETE' then old else new end;
    end if;
    raise exception 'table %.% is append-only: record a correction instead', tg_table_schema, tg_table_name
        using errcode = 'integrity_constraint_violation';
end $$;
drop trigger record_item_append_only on maintenance.record_item;
create trigger record_item_append_only before update or delete on maintenance.record_item
    for each row execute function maintenance.stays_unless_erased();
create trigger record_item_no_truncate before truncate on maintenance.record_item
    for each statement execute function equipment.refuse_change();
drop trigger record_signature_append_only on maintenance.record_signature;
create trigger record_signature_append_only before update or delete on maintenance.record_signature
    for each row execute function maintenance.stays_unless_erased();
create trigger record_signature_no_truncate before truncate on maintenance.record_signature
    for each statement execute function equipment.refuse_change();
