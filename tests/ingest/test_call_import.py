"""Call files as the field exports them: whatever the header, the encoding and the dates; bad rows are named, good ones kept."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from equipment.foundation.database import Connection
from ingest.call_import import import_calls, read_rows, template
from ingest.call_table import cell_text, text_lines
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


EXPORT = {
    "工单编号": "W1", "工单类型": "困人", "工单细类": "平层困人", "场所": "住宅", "电梯注册代码": "R1", "救援识别码": "130001",
    "使用管理单位": "某物业", "维保单位": "某维保", "小区项目名": "阳光花园", "安装地址": "汴河路10号", "故障原因": "门机故障",
    "是否启动医疗救援": "否", "是否启动重大事件上报": "是", "被困人数": "2", "受伤人数": "0", "疑似死亡人数": "0",
    "报警时间": "2025-03-01 08:15:00", "派单时间": "2025-03-01 08:16:00", "到达现场时间": "2025-03-01 08:30:00",
    "解救时间": "2025-03-01 08:40:00", "回访时间": "", "办结工单时间": "2025-03-01 10:00:00",
}  # fmt: skip


def test_the_template_has_the_22_columns_of_a_citys_export() -> None:
    assert template().removeprefix("\ufeff").strip().split(",") == list(EXPORT)


def kept(conn: Connection) -> tuple[object, ...]:
    row = conn.execute(
        "select category, subcategory, place, registration_code, rescue_code, use_unit_name, firm_name, project, address,"
        " cause_code, cause_text, medical_rescue, major_incident, trapped, injured, suspected_dead, historical,"
        " reported_at, dispatched_at, arrived_at, freed_at, called_back_at, closed_at from ingest.call_record"
    ).fetchone()
    assert row is not None
    return row


def workbook(rows: list[list[object]]) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
    book.add_worksheet("说明")
    sheet = book.add_worksheet("工单")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return buffer.getvalue()


def test_all_22_columns_are_kept_from_csv_and_from_a_workbook(conn: Connection) -> None:
    text = ",".join(EXPORT) + "\n" + ",".join(EXPORT.values()) + "\n"
    report = import_calls(conn, text.encode("gb18030"), None, NOW, dry_run=False)
    assert (report.new, report.historical, report.errors, report.ignored_columns) == (1, 1, [], [])
    row = kept(conn)
    assert row[:17] == (
        "entrapment", "平层困人", "住宅", "R1", "130001", "某物业", "某维保", "阳光花园", "汴河路10号", "303", None, False, True,
        2, 0, 0, True,
    )  # fmt: skip
    assert row[21] is None
    typed: list[object] = [
        datetime.fromisoformat(v) if name.endswith("时间") and v else float(v) if name.endswith("人数") else v
        for name, v in EXPORT.items()
    ]
    again = import_calls(conn, workbook([["宿州市工单"], list(EXPORT), typed]), None, NOW, dry_run=False)
    assert (again.encoding, again.unchanged, again.errors) == ("xlsx", 1, [])
    assert kept(conn) == row


def test_old_records_may_lack_times_and_say_their_cause_in_words(conn: Connection) -> None:
    text = "工单号,来电时间,事件类型,原因分类,解救方式\nW1,2025-03-01 08:15,非困人,鼠患,自救\n"
    report = import_calls(conn, text.encode(), None, NOW, dry_run=False)
    assert [(o.row, o.external_id, o.result, o.historical, o.link.value) for o in report.outcomes] == [
        (2, "W1", "new", True, "none")
    ]
    assert kept(conn)[9:11] == (None, "鼠患")


def test_a_broken_workbook_says_so(conn: Connection) -> None:
    whole = workbook([list(EXPORT)])
    for content in (whole[:200], whole[: len(whole) // 2], b"PK\x03\x04nothing"):
        with pytest.raises(ImportFileError):
            import_calls(conn, content, None, NOW, dry_run=True)


def test_a_small_workbook_that_reaches_too_far_does_not_end_the_process(conn: Connection) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, next(iter(EXPORT)))
        sheet.write(1_048_575, 16_383, "x")
    with pytest.raises(ImportFileError, match="空格区"):
        import_calls(conn, out.getvalue(), None, NOW, dry_run=True)


@given(st.lists(st.lists(st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8), max_size=4), max_size=4))
def test_any_cells_become_text(rows: list[list[object]]) -> None:
    assert all(isinstance(cell_text(cell), str) for row in rows for cell in row)
