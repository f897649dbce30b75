-- equipment.seal for many things in two statements: an import commits to some thousand audit entries at once.
-- In PL/pgSQL, whose body is read when it runs: the tables of the log are made by a later file.
create function equipment.seal_many(kind text, subjects text[], salts bytea[], digests bytea[], at timestamptz) returns void
volatile security definer set search_path = pg_catalog, pg_temp language plpgsql as $$
begin
    insert into equipment.log_opening (kind, subject, salt)
    select seal_many.kind, t.subject, t.salt from unnest(subjects, salts) as t(subject, salt);
    insert into equipment.log_pending (kind, subject, commitment, at)
    select seal_many.kind, t.subject, sha256(t.salt || t.digest), seal_many.at
    from unnest(subjects, salts, digests) with ordinality as t(subject, salt, digest, position) order by t.position;
end $$;
revoke all on function equipment.seal_many(text, text[], bytea[], bytea[], timestamptz) from public;
grant execute on function equipment.seal_many(text, text[], bytea[], bytea[], timestamptz) to teshe_scoped, teshe_system;
