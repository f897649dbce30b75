-- What has become of a reply by link: taken, still on its way to the desk, refused with its reason, or too late.
create function alarms.reply_state_of(token bytea)
returns table (incident_number text, kind text, trapped integer, lift text, place text, expires_at timestamptz, used_for text,
               over boolean, waiting boolean, problem text)
stable security definer set search_path = pg_catalog, pg_temp language sql as $$
    select l.incident_number, l.kind, l.trapped, l.lift, l.place, l.expires_at, l.used_for,
           d.ended_at is not null or i.state not in ('dispatched', 'answered', 'arrived'),
           exists (select 1 from alarms.inbox b where b.kind = 'reply' and b.done_at is null
                   and b.delivery in (encode(token, 'hex') || ':answer', encode(token, 'hex') || ':refuse')),
           (select b.problem from alarms.inbox b where b.kind = 'reply' and b.problem is not null
              and b.delivery in (encode(token, 'hex') || ':answer', encode(token, 'hex') || ':refuse') order by b.id desc limit 1)
    from alarms.reply_link_of(token) l
    join alarms.reply_link r on r.token_sha256 = token
    join alarms.dispatch d on d.id = r.dispatch_id join alarms.incident i on i.id = d.incident_id
$$;
revoke all on function alarms.reply_state_of(bytea) from public;
grant execute on function alarms.reply_state_of(bytea) to teshe_scoped, teshe_system;
