"""The arrow between the packages, the closed list of plumbing, and who owns the package names."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from tests.conftest import PACKAGES, Database

ROOT = Path(__file__).parents[2]
TOP = {
    "equipment", "ingest", "alarms", "maintenance", "dashboards", "tests", "compose.yaml", "pyproject.toml", "README.md",
    "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md", "Dockerfile", "uv.lock", "scripts", "deploy", "docs", ".ci",
    ".gitignore", ".dockerignore",
}  # fmt: skip
FOUNDATION = {
    "clock", "database", "embedded_nats", "embedded_postgres", "errors", "launcher", "logs", "metrics", "migrations",
    "monitor", "ports", "process", "settings", "stream", "tables", "timescale",
}  # fmt: skip
"""A closed list: a new module here is a decision, not a habit."""
IGNORED = {".git", ".venv", ".local", ".data", ".env", "dist", ".hypothesis"}


def test_foreign_keys_follow_the_arrow(database: Database) -> None:
    with database.connect() as conn:
        found = conn.execute(
            "select f.nspname, t.nspname from pg_constraint c"
            " join pg_class a on a.oid = c.conrelid join pg_namespace f on f.oid = a.relnamespace"
            " join pg_class b on b.oid = c.confrelid join pg_namespace t on t.oid = b.relnamespace"
            " where c.contype = 'f'"
        ).fetchall()
    order = {name: position for position, name in enumerate(PACKAGES)}
    assert found
    assert {(one, other) for one, other in found if order[one] < order[other]} == set()


def test_no_foreign_key_leads_into_readings(database: Database) -> None:
    """It would make old chunks impossible to drop."""
    with database.connect() as conn:
        found = conn.execute(
            "select confrelid::regclass::text from pg_constraint where contype = 'f'"
            " and confrelid::regclass::text ~ '^ingest.(reading_|code_event)'"
        ).fetchall()
    assert found == []


def test_the_plumbing_is_a_closed_list() -> None:
    names = {p.stem for p in (ROOT / "equipment" / "foundation").glob("*.py")} - {"__init__"}
    assert names == FOUNDATION


def test_nothing_else_lies_at_the_top() -> None:
    found = {p.name for p in ROOT.iterdir() if not p.name.endswith("_cache")} - IGNORED
    assert found - TOP == set()


def test_no_other_distribution_owns_one_of_our_names() -> None:
    """The names are general: another installed package of the same name would be imported instead."""
    owners = packages_distributions()
    for name in PACKAGES:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin == str(ROOT / name / "__init__.py")
        assert set(owners.get(name, [])) <= {"teshe"}
