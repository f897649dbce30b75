-- 回调: deliveries that were taken, kept as long as their signature would be believed, so that none is taken twice.
create table equipment.webhook_delivery (
    source text not null check (length(source) between 1 and 100),
    delivery text not null check (length(delivery) between 1 and 100),
    taken_at timestamptz not null,
    primary key (source, delivery)
);
create index webhook_delivery_by_time on equipment.webhook_delivery (taken_at);
-- the scoped role reaches it through the function alone
call equipment.protect('equipment.webhook_delivery', 'false');

create function equipment.take_delivery(p_source text, p_delivery text, p_at timestamptz) returns boolean
security definer set search_path = pg_catalog, pg_temp language sql as $$
    with taken as (
        insert into equipment.webhook_delivery (source, delivery, taken_at) values (p_source, p_delivery, p_at)
        on conflict do nothing returning 1
    )
    select exists (select 1 from taken)
$$;
revoke all on function equipment.take_delivery(text, text, timestamptz) from public;
grant execute on function equipment.take_delivery(text, text, timestamptz) to teshe_scoped, teshe_system;
