"""Call files as the field exports them: whatever the header, the encoding and the dates; bad rows are named, good ones kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.foundation.database import Connection
from ingest.call_import import import_calls, read_rows, template
from ingest.call_table import text_lines
from ingest.errors import ImportFileError
from tests.conftest import START

NOW = START

MESSY = """宿州市96366电梯应急处置平台工单导出,,,,,
导出时间：2026-03-02,,,,,
工单编号, 接警时间 ,工单类型,救援识别码,困人数（人）,备注,值班长,解救时间
W001,2026-03-01 08:15:00,困人,130001,2,门打不开,王五,2026-03-01 08:40:00
W002,2026/3/1 9:05,电梯故障,,--,,王五,
W003,2026年03月01日 10时20分,电梯困人,999999,3人,,,
,2026-03-01 11:00:00,困人,130001,1,,,
W005,昨天,困人,130001,1,,,
W006,2026-03-01 12:00:00,爆炸,130001,一,,,
W007,2026-03-01 12:00:00,困人,130001,1,,,2026-03-01 11:00:00
W001,2026-03-01 08:15:00,困人,130001,2,,,

"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_messy_file_is_taken_apart_row_by_row(conn: Connection, encoding: str) -> None:
    content = MESSY.encode(encoding)
    trial = import_calls(conn, content, None, NOW, dry_run=True)
    assert conn.execute("select count(*) from ingest.call_record").fetchone() == (0,)
    report = import_calls(conn, content, None, NOW, dry_run=False)
    assert (report.rows, report.new, report.refused, report.ignored_columns) == (8, 3, 5, ["值班长"])
    assert (trial.new, trial.refused, trial.errors) == (report.new, report.refused, report.errors)
    assert [(e.row, e.column) for e in report.errors] == [
        (7, "工单编号"), (8, "报警时间"), (9, "工单类型"), (9, "被困人数"), (10, "解救时间"), (11, "工单编号"),
    ]  # fmt: skip
    assert all(e.reason for e in report.errors)
    again = import_calls(conn, content, None, NOW, dry_run=False)
    assert (again.new, again.updated, again.unchanged) == (0, 0, 3)


def test_times_of_a_file_are_the_citys(conn: Connection) -> None:
    import_calls(conn, MESSY.encode(), None, NOW, dry_run=False)
    rows = conn.execute("select external_id, reported_at from ingest.call_record order by external_id").fetchall()
    assert [(r[0], r[1].astimezone(UTC)) for r in rows] == [
        ("W001", datetime(2026, 3, 1, 0, 15, tzinfo=UTC)),
        ("W002", datetime(2026, 3, 1, 1, 5, tzinfo=UTC)),
        ("W003", datetime(2026, 3, 1, 2, 20, tzinfo=UTC)),
    ]


def test_a_corrected_row_updates_its_call(conn: Connection) -> None:
    import_calls(conn, MESSY.encode(), None, NOW, dry_run=False)
    report = import_calls(
        conn, MESSY.replace("130001,2,门打不开", "130001,4,门打不开").encode(), None, NOW, dry_run=False
    )
    assert (report.new, report.updated, report.unchanged) == (0, 1, 2)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "找不到表头"),
        ("姓名,电话\n张三,1\n".encode(), "找不到表头"),
        ("工单编号,接警时间,接警时间,类别\n".encode(), "重复列"),
        (b"\xff\xfe\x00\x00\x81", "找不到表头|编码"),
    ],
)
def test_a_file_that_is_no_table_of_calls_says_what_is_missing(conn: Connection, content: bytes, says: str) -> None:
    with pytest.raises(ImportFileError, match=says):
        import_calls(conn, content, None, NOW, dry_run=False)


def test_the_template_is_a_file_that_we_read() -> None:
    ignored, rows = read_rows(text_lines(template().removeprefix("\ufeff")))
    assert ignored == []
    assert list(rows) == []


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    header = "工单编号,接警时间,类别\n"
    try:
        _, rows = read_rows(text_lines(header + text))
        for line, cells in rows:
            assert line > 1
            assert set(cells) <= {"external_id", "reported_at", "category"}
    except ImportFileError:
        return
