-- What passengers write may name people: read by those who work or oversee the desk, and by nobody else of the authority.
alter policy scoped on alarms.qr_report_words
    using (equipment.scope_role() in ('desk', 'regulator', 'auditor')
           and exists (select 1 from alarms.qr_report r where r.id = qr_report_words.report_id))
    with check (equipment.scope_role() in ('desk', 'regulator', 'auditor')
           and exists (select 1 from alarms.qr_report r where r.id = qr_report_words.report_id));
