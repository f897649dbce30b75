-- 扫码报告: what anybody says of a lift whose plate he has scanned. Nobody has logged in: it is a lead, until somebody confirms it.
create table alarms.qr_report (
    id bigint generated always as identity primary key,
    form text not null unique,                 -- the form's own number: a second press is the same report
    plate text not null,
    unit_no integer not null references equipment.unit (no),
    unit_status text not null,                 -- as registered at that moment: 报废 停用 …
    kind text not null check (kind in ('entrapment', 'fault', 'complaint')),
    received_at timestamptz not null
);
create index qr_report_by_unit on alarms.qr_report (unit_no, received_at desc);
create trigger qr_report_append_only before update or delete or truncate on alarms.qr_report
    for each statement execute function equipment.refuse_change();

-- 个人信息 beside it: what was written may name people. Erased by term (`teshe retention`) or by law (`teshe erase report`).
create table alarms.qr_report_words (
    report_id bigint primary key references alarms.qr_report,
    words text not null,
    phone text,
    received_at timestamptz not null,
    erased_at timestamptz,
    erased_why text,                           -- by which law or whose request
    check (erased_at is null or words = '' and phone is null and erased_why is not null)
);
create index qr_report_words_by_time on alarms.qr_report_words (received_at);

-- Where reports come from, for the limits only: forgotten after a day.
create table alarms.qr_sender (
    report_id bigint primary key references alarms.qr_report,
    sender text not null,
    plate text not null,
    received_at timestamptz not null
);
create index qr_sender_by_sender on alarms.qr_sender (sender, received_at);
create index qr_sender_by_plate on alarms.qr_sender (plate, received_at);
create index qr_sender_by_time on alarms.qr_sender (received_at);

call equipment.protect('alarms.qr_report', 'exists (select 1 from equipment.unit u where u.no = qr_report.unit_no) and equipment.scope_kind() = ''jurisdiction''', 'select');
call equipment.protect('alarms.qr_report_words', 'exists (select 1 from alarms.qr_report r where r.id = qr_report_words.report_id)', 'select');
call equipment.protect('alarms.qr_sender', 'false', 'select');

alter table alarms.inbox drop constraint inbox_kind_check;
alter table alarms.inbox add constraint inbox_kind_check check (kind in ('reply', 'receipt', 'call', 'qr'));
alter table alarms.desk_task drop constraint desk_task_kind_check;
alter table alarms.desk_task add constraint desk_task_kind_check
    check (kind in ('wrong_number', 'not_ours', 'dead_letter', 'accident_report', 'death_follow_up', 'qr_report'));

-- Take a report, or say why not: 'taken', 'known' (the same form again), 'no_lift', 'sender', 'sender_lift', 'lift' (too many
-- within the window). Counting and keeping are one: whoever sends twice at once waits for himself.
create function alarms.take_qr_report(
    form text, plate text, kind text, words text, phone text, sender text, at timestamptz,
    per_sender integer, per_sender_lift integer, per_lift integer, within interval
) returns text
security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
declare
    lift equipment.unit;
    report bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('qr:' || take_qr_report.sender, 0));
    perform pg_advisory_xact_lock(hashtextextended('qr-lift:' || take_qr_report.plate, 0));
    if exists (select 1 from alarms.qr_report r where r.form = take_qr_report.form) then
        return 'known';
    end if;
    select * into lift from equipment.unit u where u.rescue_code = take_qr_report.plate;
    if not found then
        return 'no_lift';
    end if;
    if (select count(*) from alarms.qr_sender s where s.sender = take_qr_report.sender and s.plate = take_qr_report.plate
        and s.received_at > at - within) >= per_sender_lift then
        return 'sender_lift';
    elsif (select count(*) from alarms.qr_sender s where s.sender = take_qr_report.sender and s.received_at > at - within) >= per_sender then
        return 'sender';
    elsif (select count(*) from alarms.qr_sender s where s.plate = take_qr_report.plate and s.received_at > at - within) >= per_lift then
        return 'lift';
    end if;
    insert into alarms.qr_report (form, plate, unit_no, unit_status, kind, received_at)
    values (form, plate, lift.no, lift.status, kind, at) returning id into report;
    insert into alarms.qr_report_words (report_id, words, phone, received_at) values (report, words, phone, at);
    insert into alarms.qr_sender (report_id, sender, plate, received_at) values (report, sender, plate, at);
    perform alarms.receive('qr', 'report:' || report, jsonb_build_object('report', report), at);
    return 'taken';
end $$;
revoke all on function alarms.take_qr_report(text, text, text, text, text, text, timestamptz, integer, integer, integer, interval) from public;
grant execute on function alarms.take_qr_report(text, text, text, text, text, text, timestamptz, integer, integer, integer, interval)
    to teshe_scoped, teshe_system;
