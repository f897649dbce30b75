-- Gap-free numbered streams: writers insert pending rows, one sequencer numbers them.
create table equipment.stream_pending (
    id bigint generated always as identity primary key,
    stream text not null,
    unit_no integer,
    kind text not null,
    payload jsonb not null,
    created_at timestamptz not null
);
create index stream_pending_by_stream on equipment.stream_pending (stream, id);

create table equipment.stream_entry (
    stream text not null,
    seq bigint not null check (seq > 0),
    unit_no integer,
    kind text not null,
    payload jsonb not null,
    created_at timestamptz not null,
    sequenced_at timestamptz not null,
    primary key (stream, seq)
);

create table equipment.stream_head (
    stream text primary key,
    seq bigint not null default 0
);

create table equipment.stream_cursor (
    consumer text not null,
    stream text not null,
    seq bigint not null default 0,
    primary key (consumer, stream)
);

grant select, insert, update, delete on equipment.stream_pending, equipment.stream_head, equipment.stream_cursor to teshe_system;
grant select, insert on equipment.stream_entry to teshe_system;
