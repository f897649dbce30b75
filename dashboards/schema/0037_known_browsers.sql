-- 常用浏览器: browsers in which an account has signed in before have a lock of their own, so that a stranger who types
-- wrong passwords does not lock a seat of the desk out.
create table dashboards.known_browser (
    browser_sha256 bytea primary key,
    account_id bigint not null references equipment.account,
    failed_attempts integer not null,
    locked_until timestamptz,
    tried_at timestamptz not null
);
create index known_browser_by_time on dashboards.known_browser (tried_at);
call equipment.protect('dashboards.known_browser', 'false');

create function dashboards.known_browser_state(p_browser bytea)
returns table (failed_attempts integer, locked_until timestamptz)
security definer set search_path = pg_catalog, pg_temp language sql as $$
    -- locked until the attempt is noted: guesses in one browser stand in a queue
    select k.failed_attempts, k.locked_until from dashboards.known_browser k where k.browser_sha256 = p_browser for no key update
$$;

create function dashboards.note_known_browser(p_browser bytea, p_account bigint, p_right boolean, p_until timestamptz, p_at timestamptz)
returns void
security definer set search_path = pg_catalog, pg_temp language sql as $$
    delete from dashboards.known_browser where tried_at < p_at - interval '180 days';
    insert into dashboards.known_browser as k (browser_sha256, account_id, failed_attempts, locked_until, tried_at)
    values (p_browser, p_account, case when p_right then 0 else 1 end, p_until, p_at)
    on conflict (browser_sha256) do update
    set failed_attempts = case when p_right then 0 else k.failed_attempts + 1 end, locked_until = p_until, tried_at = p_at
$$;

revoke all on function dashboards.known_browser_state(bytea) from public;
revoke all on function dashboards.note_known_browser(bytea, bigint, boolean, timestamptz, timestamptz) from public;
grant execute on function dashboards.known_browser_state(bytea) to teshe_scoped;
grant execute on function dashboards.note_known_browser(bytea, bigint, boolean, timestamptz, timestamptz) to teshe_scoped;
