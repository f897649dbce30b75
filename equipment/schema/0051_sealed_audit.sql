-- Audit entries are committed to in the log; the name by which the log knows them says nothing about them.
alter table equipment.audit_entry add column entry_id uuid unique;
