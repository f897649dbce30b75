-- 附件: photos and drawn signatures, by digest, beside the records that name them. They may show people, so they can be
-- erased without touching a record: the record keeps only the digest.
create table maintenance.attachment (
    unit_no integer not null,
    sha256 bytea not null check (length(sha256) = 32),
    type text not null check (type in ('image/jpeg', 'image/png', 'image/webp')),
    size integer not null check (size > 0),    -- [bytes]
    content bytea not null check (length(content) = size),
    account_id bigint not null references equipment.account,
    received_at timestamptz not null,
    primary key (unit_no, sha256)
);
-- What has arrived of a photo that is still on its way.
create table maintenance.attachment_part (
    unit_no integer not null,
    sha256 bytea not null check (length(sha256) = 32),
    account_id bigint not null references equipment.account,
    size integer not null check (size > 0),    -- announced [bytes]
    content bytea not null,
    changed_at timestamptz not null,
    primary key (unit_no, sha256, account_id)
);
grant select, insert, delete on maintenance.attachment to teshe_system;
grant select, insert, update, delete on maintenance.attachment_part to teshe_system;
call equipment.protect('maintenance.attachment', 'exists (select 1 from equipment.unit u where u.no = attachment.unit_no)', 'select, insert');
call equipment.protect('maintenance.attachment_part', 'account_id = equipment.scope_account() and exists (select 1 from equipment.unit u where u.no = attachment_part.unit_no)', 'select, insert, update, delete');
