"""The signal catalogue: every field of it is read, and the tables are what it says."""

from importlib.resources import files
from typing import Any

import pytest
import yaml

from equipment.catalogue.load import KEY_NAMES, load_catalogue, read_catalogue, read_signal
from equipment.catalogue.model import Kind, Signal, SignalType
from equipment.catalogue.schema import KEY_COLUMNS, added_columns_sql, reading_tables_sql, table_of
from equipment.errors import CatalogueError
from equipment.foundation.database import Connection

FLOAT: dict[str, Any] = {
    "type": "float",
    "unit": "m/s",
    "min": -12,
    "max": 12,
    "zh": "速度",
    "en": "Speed",
    "stale_after_seconds": 300,
    "mark": "D",
}
ENUM: dict[str, Any] = {
    "type": "enum",
    "values": {0: "none", 1: "up"},
    "zh": "方向",
    "en": "Direction",
    "stale_after_seconds": 300,
    "mark": "V-code",
}
TEXT: dict[str, Any] = {
    "type": "text",
    "max_length": 4,
    "zh": "层",
    "en": "Floor",
    "stale_after_seconds": 9,
    "mark": "V",
}


def test_the_committed_tables_are_the_catalogue_s() -> None:
    committed = (files("ingest") / "schema" / "0002_readings.sql").read_text(encoding="utf-8")
    assert committed == reading_tables_sql(load_catalogue())


def test_the_database_has_a_column_of_the_right_type_for_every_signal(conn: Connection) -> None:
    for kind in load_catalogue().measured:
        schema, table = table_of(kind).split(".")
        rows = conn.execute(
            "select column_name, data_type, is_nullable from information_schema.columns"
            " where table_schema = %s and table_name = %s",
            (schema, table),
        ).fetchall()
        columns = {name: (data_type, nullable) for name, data_type, nullable in rows}
        assert {s.name: (s.type.column, "YES") for s in kind.signals}.items() <= columns.items()
        assert columns.keys() == KEY_NAMES | {s.name for s in kind.signals} | {"unknown"}


def test_key_names_are_the_key_columns() -> None:
    assert {line.split()[0] for line in KEY_COLUMNS.splitlines()} == KEY_NAMES


def test_every_kind_of_the_registry_is_there_and_lifts_have_the_items_of_the_standard() -> None:
    catalogue = load_catalogue()
    assert [kind.name for kind in catalogue.kinds] == [
        "lift", "escalator", "boiler", "pressure_vessel", "crane", "ropeway", "amusement_ride", "vehicle", "pressure_pipe",
    ]  # fmt: skip
    lift = catalogue.kind("lift")
    assert lift is not None
    mode = lift.signal("service_mode")
    assert mode is not None
    assert mode.values is not None
    assert len(mode.values) == 8
    assert lift.signal("handrail_left_m_s") is None
    assert catalogue.kind("bicycle") is None
    assert all(kind.signals for kind in catalogue.measured)


def test_what_is_written_is_what_is_read() -> None:
    assert read_signal("here", "speed_m_s", FLOAT) == Signal(
        "speed_m_s", SignalType.FLOAT, "速度", "Speed", 300.0, "D", "m/s", -12, 12
    )
    assert read_signal("here", "direction", ENUM).values == {0: "none", 1: "up"}
    assert read_signal("here", "floor", TEXT).max_length == 4


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        (FLOAT, {"unit": "km/h"}),
        (FLOAT, {"min": 0}),
        (FLOAT, {"max": 5}),
        (FLOAT, {"zh": "别的"}),
        (FLOAT, {"en": "Other"}),
        (FLOAT, {"stale_after_seconds": 1}),
        (FLOAT, {"mark": "M"}),
        (ENUM, {"values": {0: "none"}}),
        (TEXT, {"max_length": 5}),
    ],
)
def test_every_field_changes_the_signal(entry: dict[str, Any], change: dict[str, Any]) -> None:
    assert read_signal("here", "x", {**entry, **change}) != read_signal("here", "x", entry)


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        (FLOAT, {"type": "complex"}),
        (FLOAT, {"colour": "red"}),
        (FLOAT, {"min": 12}),
        (FLOAT, {"stale_after_seconds": 0}),
        (FLOAT, {"mark": "sure"}),
        (FLOAT, {"type": "int", "unit": "", "max": 2**31}),
        (FLOAT, {"max_length": 3}),
        (ENUM, {"values": {}}),
        (ENUM, {"values": {-1: "below"}}),
        (ENUM, {"values": {0: "same", 1: "same"}}),
        (ENUM, {"unit": "m"}),
        (TEXT, {"max_length": 0}),
    ],
)
def test_a_mistake_is_refused_and_its_place_named(entry: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(CatalogueError, match="lift"):
        read_signal("lift", "x", {**entry, **change})


@pytest.mark.parametrize("field", sorted(FLOAT))
def test_a_missing_field_is_refused(field: str) -> None:
    with pytest.raises(CatalogueError):
        read_signal("here", "x", {name: value for name, value in FLOAT.items() if name != field})


@pytest.mark.parametrize(("kind", "signal"), [("Lift", "a"), ("lift", "unit_no"), ("lift", "Speed"), ("lift", "1st")])
def test_names_must_fit_the_tables(kind: str, signal: str) -> None:
    document = {"kinds": {kind: {"zh": "梯", "en": "Lift", "signals": {signal: FLOAT}}}}
    with pytest.raises(CatalogueError):
        read_catalogue(yaml.safe_dump(document, allow_unicode=True))


def test_a_new_signal_becomes_a_migration_that_only_adds_a_nullable_column() -> None:
    signals = (read_signal("k", "speed_m_s", FLOAT), read_signal("k", "direction", ENUM))
    kind = Kind("lift", "电梯", "Lift", signals)
    assert added_columns_sql(kind, frozenset({"speed_m_s"})) == (
        "alter table ingest.reading_lift add column direction smallint;\n"
    )
    assert added_columns_sql(kind, frozenset({"speed_m_s", "direction"})) == ""
