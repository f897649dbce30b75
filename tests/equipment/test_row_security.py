"""Every table of the five schemas has forced row security, or is out of everybody's reach but the system's."""

from __future__ import annotations

import re

import pytest

from equipment.access import scope
from equipment.access.model import SCOPE_OF, Asker, Role, ScopeKind
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole
from tests.conftest import PACKAGES, Database
from tests.pipeline import Pipeline

UNREACHABLE = {
    r"equipment\.stream_(pending|entry|head|cursor)": "read through definer functions that filter by unit",
    r"ingest\.(reading|rollup_\w+?)_\w+": "row security does not combine with TimescaleDB: read through scoped functions",
    r"ingest\.(code_event|shard|horizon|rollup_dirty|account_note|unit_hour|hour_total|seq_state|seq_gap|bridge)": (
        "the worker's own; read through scoped functions"
    ),
    r"equipment\.import_(row|match|plan|problem|applied)": "rows of a file on their way; the web reads the job and its report",
    r"equipment\.cylinder_(event|fill)": "partitioned by time: read and written through functions that ask for the station",
    r"alarms\.(rule_set|checkpoint)": "the worker's own",
    r"maintenance\.(number_counter|scan_cursor)": "counters that definer functions keep",
}
"""Tables without a policy, and why nobody outside needs one: the scoped role has no right on them, not on one column."""


def test_every_table_has_a_policy_or_a_written_exemption(database: Database) -> None:
    with database.connect(DatabaseRole.OWNER) as conn:
        rows = conn.execute(
            """select n.nspname || '.' || c.relname, c.relrowsecurity and c.relforcerowsecurity
                      and exists (select 1 from pg_policy p where p.polrelid = c.oid),
                      has_table_privilege('teshe_scoped', c.oid, 'select, insert, update, delete, truncate')
                      or has_any_column_privilege('teshe_scoped', c.oid, 'select, insert, update')
               from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = any(%s) and c.relkind in ('r', 'p', 'm', 'f') and not c.relispartition""",
            (list(PACKAGES),),
        ).fetchall()
    assert len(rows) > 150
    bare = {name for name, policy, _ in rows if not policy}
    exempt = {name for name in bare if any(re.fullmatch(pattern, name) for pattern in UNREACHABLE)}
    missing = sorted(bare - exempt)
    assert not missing, f"protect them, or write why they need no policy: {missing}"
    assert {name for name, policy, reachable in rows if not policy and reachable} == set()
    idle = [pattern for pattern in UNREACHABLE if not any(re.fullmatch(pattern, name) for name in exempt)]
    assert idle == [], "these exempt nothing any more"


def test_views_read_with_the_rights_of_whoever_asks(database: Database) -> None:
    with database.connect(DatabaseRole.OWNER) as conn:
        rows = conn.execute(
            """select c.oid::regclass::text, coalesce('security_invoker=true' = any(c.reloptions), false)
               from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = any(%s) and c.relkind = 'v' and has_table_privilege('teshe_scoped', c.oid, 'select')""",
            (list(PACKAGES),),
        ).fetchall()
    assert rows
    assert {name for name, invoker in rows if not invoker} == set()


def test_functions_that_drop_the_callers_rights_fix_where_they_look_and_are_not_open_to_all(database: Database) -> None:
    with database.connect(DatabaseRole.OWNER) as conn:
        rows = conn.execute(
            """select p.oid::regprocedure::text, coalesce(p.proconfig::text, '') ~ 'search_path',
                      has_function_privilege('public', p.oid, 'execute') and p.prorettype <> 'trigger'::regtype
               from pg_proc p join pg_namespace n on n.oid = p.pronamespace
               where n.nspname = any(%s) and p.prosecdef""",
            (list(PACKAGES),),
        ).fetchall()
    assert len(rows) > 50
    assert {name for name, fixed, _ in rows if not fixed} == set(), "set search_path = pg_catalog, pg_temp"
    assert {name for name, _, open_ in rows if open_} == set(), "revoke all from public"


def test_no_partition_is_reachable_beside_its_parents_policy(database: Database) -> None:
    with database.connect(DatabaseRole.OWNER) as conn:
        rows = conn.execute(
            """select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = any(%s) and c.relispartition
                 and has_table_privilege('teshe_scoped', c.oid, 'select, insert, update, delete')""",
            (list(PACKAGES),),
        ).fetchall()
    assert rows == []


@pytest.mark.parametrize("role", list(Role))
def test_the_function_for_readings_agrees_with_the_policy_of_units(
    database: Database, clock: ManualClock, role: Role
) -> None:
    with database.connect(autocommit=True) as system:
        pipeline = Pipeline(system, clock)
        for unit in pipeline.lifts:
            pipeline.send(unit, {"speed_m_s": 1.0})
        row = system.execute(
            "select a.organisation_id, j.path from equipment.account a"
            " left join equipment.jurisdiction j on j.id = a.jurisdiction_id where a.role = %s",
            (role.value,),
        ).fetchone()
        everything = [r[0] for r in system.execute("select no from equipment.unit order by no")]
    assert row is not None
    asker = Asker(1, "x", "x", role, row[0], row[1])
    with database.connect(DatabaseRole.SCOPED) as conn:
        scope.apply(conn, asker)
        by_policy = [r[0] for r in conn.execute("select no from equipment.unit order by no")]
        by_function = [
            no for no in everything
            if conn.execute("select equipment.unit_in_scope(%s)", (no,)).fetchone() == (True,)
        ]  # fmt: skip
        readable = [
            no for no in everything
            if conn.execute("select count(*) from ingest.recent_rows('lift', %s, 5)", (no,)).fetchone() != (0,)
        ]  # fmt: skip
    assert by_function == by_policy
    assert set(readable) <= set(by_policy)
    if SCOPE_OF[role] is ScopeKind.JURISDICTION and row[1] == "/341300/":
        assert by_policy == everything
        assert len(readable) == len(pipeline_lifts(database))
    else:
        assert 0 < len(by_policy) < len(everything)


def pipeline_lifts(database: Database) -> list[int]:
    with database.connect() as conn:
        return [r[0] for r in conn.execute("select no from equipment.unit where kind = 'lift'")]


def test_a_connection_without_a_scope_sees_nothing(database: Database, clock: ManualClock) -> None:
    with database.connect(autocommit=True) as system:
        Pipeline(system, clock).send("L000001", {"alarm_button": True})
    with database.connect(DatabaseRole.SCOPED) as conn:
        for table in (
            "equipment.unit",
            "alarms.alarm",
            "alarms.incident",
            "maintenance.lead",
            "equipment.organisation",
        ):
            assert conn.execute(f"select count(*) from {table}".encode()).fetchone() == (0,)
        assert conn.execute("select count(*) from ingest.recent_rows('lift', 1, 5)").fetchone() == (0,)
