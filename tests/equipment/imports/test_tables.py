"""Codecs of files: what is written is read again, and nothing that is written runs in a spreadsheet."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from equipment.foundation.errors import TableFileError
from equipment.foundation.tables import Limits, Trouble, neutral, original, read_table, write_csv, write_xlsx
from equipment.imports.columns import map_header, template_header
from equipment.imports.export import cells_of
from equipment.imports.model import ImportOptions, Outcome
from equipment.imports.parse import read_row
from equipment.imports.plan import UNIT_FIELDS, Candidate, FoundOrganisation, Ground, Known, as_json, plan_row
from tests.conftest import START

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40).map(str.strip)


def write_book(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    return write_xlsx(path, header, rows, "台账")


@given(st.text())
def test_neutralising_is_undone_exactly(text: str) -> None:
    assert original(neutral(text)) == text
    assert not neutral(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.lists(TEXT, min_size=3, max_size=3).filter(any), min_size=1, max_size=8))
def test_rows_come_back_from_both_formats(tmp_path: Path, rows: list[list[str]]) -> None:
    for path, write in ((tmp_path / "a.csv", write_csv), (tmp_path / "a.xlsx", write_book)):
        write(path, ["甲", "乙", "丙"], rows)
        found = [
            tuple(original(cell).strip() for cell in (*row.cells, "", "", "")[:3])
            for row in read_table(path, lambda cells: "甲" in cells).rows
        ]
        assert found == [tuple(row) for row in rows]


def units() -> st.SearchStrategy[dict[str, Any]]:
    """Any unit that the registry accepts, dates as JSON has them."""
    longs = st.none() | TEXT.filter(bool)
    days = st.none() | st.dates(date(1990, 1, 1), date(2026, 1, 1)).map(date.isoformat)
    number = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False, width=32)
    parameters = st.dictionaries(
        st.sampled_from(["rated_speed_m_s", "floors", "note", "=x"]), number | TEXT | st.booleans(), max_size=4
    )
    return st.fixed_dictionaries(
        {
            "id": st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), "kind": st.just("lift"),
            "variety_code": st.sampled_from(["3110", "3120", "3430"]), "name": TEXT.filter(bool), "address": TEXT.filter(bool),
            "jurisdiction_id": st.sampled_from(["341302", "341302-01", "3413GX"]),
            "device_code": st.none() | st.from_regex(r"[0-9A-Z]{4,21}", fullmatch=True),
            "registration_code": st.none() | st.from_regex(r"[0-9]{20}", fullmatch=True),
            "certificate_no": st.none() | st.just("梯11皖L00001(24)"), "rescue_code": st.none() | st.from_regex(r"[0-9]{6}", fullmatch=True),
            "internal_no": longs, "place_name": TEXT, "building": TEXT, "entrance": TEXT,
            "position": st.none() | st.tuples(st.floats(73, 137), st.floats(1, 55), st.sampled_from(["wgs84", "gcj02", "bd09", "cgcs2000", "unknown"])),
            "use_org_id": st.none() | st.just(1), "firm_org_id": st.none() | st.just(2),
            "status": st.sampled_from(["in_use", "stopped", "scrapped", "cancelled", "dismantled", "moved_out", "unregistered"]),
            "manufacturer": longs, "make_date": days, "first_use_date": st.none(), "device_model": longs,
            "insurance_valid_to": days, "parameters": parameters,
        }
    )  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(unit=units())
def test_whatever_a_unit_says_export_and_import_change_nothing(
    tmp_path: Path, suffix: str, unit: dict[str, Any]
) -> None:
    position = unit.pop("position") or (None, None, "unknown")
    values = {**unit, "lon": position[0], "lat": position[1], "datum": position[2]}
    assert set(values) == set(UNIT_FIELDS)
    use, firm = values["use_org_id"] and "使用=单位", values["firm_org_id"] and "+维保"
    shown = {**values, "use_org": use, "use_org_code": None, "firm_org": firm, "firm_org_code": None}
    path = tmp_path / f"unit.{suffix}"
    write = write_csv if suffix == "csv" else write_book
    write(path, template_header(), [cells_of(shown)])
    table = read_table(path, lambda cells: "设备编号" in cells)
    mapping = map_header(table.header)
    (row,) = [read_row(row, mapping) for row in table.rows]
    assert row.problems == []
    known = Known(1, {name: as_json(values[name]) for name in UNIT_FIELDS}, "/341300/341302/", START)
    ground = Ground(
        ImportOptions(), "/", START.date(),
        {("use_unit", "使用=单位", None): FoundOrganisation(1), ("maintenance_firm", "+维保", None): FoundOrganisation(2)},
    )  # fmt: skip
    plan = plan_row(Candidate(2, "k", row.values, broken=False, found=[(1, [1], [values["id"]])], unit=known), ground)
    assert (plan.outcome, plan.patch, plan.problems) == (Outcome.UNCHANGED, {}, [])


@given(st.binary(max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_bytes_make_the_reader_stumble(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes("设备编号,设备名称\n".encode() + content)
    table = read_table(path, lambda cells: "设备编号" in cells)
    mapping = map_header(table.header)
    for row in table.rows:
        assert row.line > 1
        read_row(row, mapping)


def test_lines_of_another_encoding_are_named_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    lines = [
        "甲,乙".encode(),
        "中国,1".encode(),
        "人民路".encode("gb18030") + b",2",
        "联通,3".encode(),
        b"\xff\xff\xff,4",
    ]
    path.write_bytes(b"\r\n".join(lines))
    rows = list(read_table(path, lambda cells: "甲" in cells).rows)
    assert [(row.line, row.cells[0], [t for _, t in row.troubles]) for row in rows] == [
        (2, "中国", []), (3, "人民路", [Trouble.OTHER_ENCODING]), (4, "联通", []), (5, "\ufffd\ufffd\ufffd", [Trouble.NOT_TEXT]),
    ]  # fmt: skip


BOMBS = {
    "one cell in the last corner": {"last": (1_048_575, 16_383)},
    "many rows and many columns": {"last": (999_999, 99)},
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("quotes", ['"', "'"])
def test_a_small_workbook_that_reaches_too_far_is_refused_before_it_is_read(
    tmp_path: Path, name: str, quotes: str
) -> None:
    path = tmp_path / "bomb.xlsx"
    with xlsxwriter.Workbook(str(tmp_path / "made.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "甲")
        sheet.write(*BOMBS[name]["last"], "乙")
    with zipfile.ZipFile(tmp_path / "made.xlsx") as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        for part in made.namelist():
            content = made.read(part)
            if "worksheets" in part and quotes == "'":
                content = re.sub(rb' r="(\w+)"', rb" r = '\1'", content)
            bomb.writestr(part, content)
    assert path.stat().st_size < 10_000
    with pytest.raises(TableFileError, match="空格区"):
        read_table(path, lambda cells: "甲" in cells)


def test_a_workbook_that_unpacks_to_more_than_is_read_or_lies_about_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/workbook.xml", "x")
        bomb.writestr("xl/sharedStrings.xml", b" " * 60_000_000)
    small = Limits(1_000_000, 1_000)
    with pytest.raises(TableFileError, match="解压后有 60 MB"):
        read_table(path, lambda cells: True, small)
    # the same part, said to be of ten bytes
    whole = path.read_bytes()
    size = (60_000_000).to_bytes(4, "little")
    path.write_bytes(whole.replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(TableFileError, match="损坏"):
        read_table(path, lambda cells: True, small)


def test_another_archive_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "other.xlsx"
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("content.xml", "<x/>")
    with pytest.raises(TableFileError, match="不是 XLSX"):
        read_table(path, lambda cells: True)


def test_a_table_at_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "whole.xlsx"
    write_book(path, ["甲", *map(str, range(599))], [["1"] * 600] * 99)
    assert len(list(read_table(path, lambda cells: "甲" in cells, Limits(9_000_000, 60_000)).rows)) == 99
    with pytest.raises(TableFileError):
        read_table(path, lambda cells: "甲" in cells, Limits(9_000_000, 59_999))
