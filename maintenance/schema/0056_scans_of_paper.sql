-- Scans of old paper come as PDF or HEIC too; photos of records do not (maintenance/attachments says which is which).
alter table maintenance.attachment drop constraint attachment_type_check,
    add constraint attachment_type_check
        check (type in ('image/jpeg', 'image/png', 'image/webp', 'image/heic', 'application/pdf'));
