-- 时间戳: a checkpoint of the log with the token (RFC 3161) of an authority that is not ours: from then on nobody, also not
-- the server's own key, can make a past other than the one that the token saw.
create table maintenance.checkpoint_anchor (
    id bigint generated always as identity primary key,
    size bigint not null,
    at timestamptz not null,                   -- of the checkpoint
    token bytea not null,                      -- TimeStampResp (DER) over SHA-256 of the checkpoint's note
    stamped_at timestamptz not null,           -- what the authority says
    authority text not null,                   -- who signed the token
    received_at timestamptz not null,
    foreign key (size, at) references equipment.log_checkpoint
);
create index checkpoint_anchor_by_size on maintenance.checkpoint_anchor (size);
create trigger checkpoint_anchor_append_only before update or delete or truncate on maintenance.checkpoint_anchor
    for each statement execute function equipment.refuse_change();
call equipment.protect('maintenance.checkpoint_anchor', 'equipment.scope_kind() is not null');
grant select, insert on maintenance.checkpoint_anchor to teshe_system;
