"""Files of units: fifty good rows and fifty bad ones, twice the same, killed in the middle, and nothing half imported."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from equipment.errors import ImportFileError, ImportStateError
from equipment.foundation.database import Connection
from equipment.foundation.tables import write_xlsx
from equipment.imports import store
from equipment.imports.columns import columns, template_header
from equipment.imports.export import ExportFilter, write_units
from equipment.imports.model import STEPS, ImportOptions, JobEvent, JobState, step
from equipment.imports.plan import CHECK_COLUMNS, title_of
from equipment.imports.runner import Importer
from equipment.imports.settings import ImportSettings
from equipment.registry.checks import CHECKS
from tests.conftest import Database
from tests.equipment.imports.conftest import Desk, new_row

HERE = Path(__file__).parent


def expected() -> list[tuple[int, str, str]]:
    with (HERE / "golden_report.csv").open(encoding="utf-8") as file:
        return [(int(row["line"]), row["column"], row["why"]) for row in csv.DictReader(file)]


def test_fifty_good_rows_and_fifty_bad_ones(desk: Desk) -> None:
    before = desk.units()
    trial = desk.trial(HERE / "golden.csv", create_organisations=True)
    assert trial.failure is None
    assert desk.units() == before
    assert (trial.counts["new"], trial.counts["refused"], trial.counts["rows"]) == (50, 50, 100)
    assert trial.ignored_columns == ["备注"]
    said = [line for line in desk.report(trial) if line.severity == "refusal"]
    for number, column, why in expected():
        there = [line for line in said if line.line == number]
        assert [x for x in there if x.title == column and why in x.why], f"line {number}: {column} {why}: {there}"
        assert all(x.remedy for x in there)
    assert {line.line for line in said} == {number for number, _, _ in expected()}
    done = desk.apply(HERE / "golden.csv", create_organisations=True)
    assert (done.id, done.state) == (trial.id, JobState.DONE)
    assert len(desk.units()) == len(before) + 50
    assert desk.units()[: len(before)] == before


def test_the_same_again_changes_nothing(desk: Desk) -> None:
    desk.apply(HERE / "golden.csv", create_organisations=True)
    units = desk.units()
    again = desk.apply(HERE / "golden.csv", create_organisations=True, again=True)
    assert (again.repeat, again.counts["new"], again.counts["update"]) == (1, 0, 0)
    assert again.counts["unchanged"] == 50
    assert desk.units() == units


def test_a_double_submit_is_one_job(desk: Desk) -> None:
    path = desk.file([new_row(1)])
    first = desk.submit(path)
    assert desk.submit(path) == first
    assert desk.submit(path, again=True) == first  # it is not over yet
    assert desk.submit(path, create_organisations=True) != first
    desk.importer.run(first)
    with desk.conn.transaction():
        store.request_apply(desk.conn, first, desk.clock.now())
        assert store.request_apply(desk.conn, first, desk.clock.now()) is JobState.APPLYING
    assert desk.conn.execute("select count(*) from equipment.import_job").fetchone() == (2,)


def test_an_export_taken_back_changes_nothing_in_either_format(desk: Desk) -> None:
    desk.apply(HERE / "golden.csv", create_organisations=True)
    units = desk.units()
    for name in ("units.csv", "units.xlsx"):
        path = desk.folder / name
        with desk.conn.transaction():
            assert write_units(desk.conn, path, ExportFilter()) == len(units)
        job = desk.apply(path)
        assert job.failure is None
        assert job.counts["unchanged"] == len(units), desk.report(job)
        assert desk.units() == units


def test_a_corrected_value_is_written_with_who_what_and_why(desk: Desk) -> None:
    path = desk.file([{"id": "L000001", "manufacturer": "示例电梯戊", "insurance_valid_to": "#清空", "floors": "21"}])
    desk.clock.advance(60)
    job = desk.apply(path)
    assert (job.counts["update"], job.counts["refused"]) == (1, 0)
    row = desk.conn.execute(
        "select manufacturer, insurance_valid_to, parameters ->> 'floors', parameters ? 'rated_load_kg', changed_at"
        " from equipment.unit where id = 'L000001'"
    ).fetchone()
    assert row == ("示例电梯戊", None, "21", True, desk.clock.now())
    entry = desk.conn.execute("select action, before, after, reason, origin from equipment.audit_entry").fetchone()
    assert entry is not None
    action, before, after, reason, origin = entry
    assert (action, after["manufacturer"], origin) == ("unit.edit", "示例电梯戊", f"import:{job.id} line 2")
    assert before["manufacturer"] != after["manufacturer"]
    assert "units.csv" in reason


@pytest.fixture
def beside(city: Database) -> Iterator[Connection]:
    with city.connect(autocommit=True) as conn:
        yield conn


class KilledError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("at", ["reading", "matching", "checking", "writing"])
def test_a_job_that_was_killed_goes_on_and_ends_the_same(desk: Desk, at: str) -> None:
    path = desk.file([new_row(n) for n in range(1, 41)])
    small = ImportSettings(rows_at_once=10)

    def kill(phase: str, done: int, total: int) -> None:
        if phase == at and (at != "writing" or done >= 20):
            raise KilledError

    job = desk.submit(path, create_organisations=True)
    if at != "reading":
        desk.importer.run(job)
        with desk.conn.transaction():
            store.request_apply(desk.conn, job, desk.clock.now())
    with pytest.raises(KilledError):
        Importer(desk.conn, desk.clock, small, kill).run(job)
    written = desk.conn.execute("select count(*) from equipment.import_applied").fetchone()
    units = desk.conn.execute("select count(*) from equipment.unit where device_code like '311010890%'").fetchone()
    assert written == units == ((20,) if at == "writing" else (0,))
    importer = Importer(desk.conn, desk.clock, small)
    importer.run_open()
    if at == "reading":
        with desk.conn.transaction():
            store.request_apply(desk.conn, job, desk.clock.now())
        importer.run_open()
    done = store.require_job(desk.conn, job)
    assert (done.state, done.counts["new"], done.counts["refused"]) == (JobState.DONE, 40, 0)
    for table, count in (("unit where device_code like '311010890%'", 40), ("unit_source", 40), ("audit_entry", 40)):
        assert desk.conn.execute(f"select count(*) from equipment.{table}".encode()).fetchone() == (count,)
    organisations = desk.conn.execute("select count(*) from equipment.organisation where name = '宿州测试物业有限公司'")
    assert organisations.fetchone() == (1,)


def test_two_connections_write_what_one_writes(desk: Desk, beside: Connection) -> None:
    rows = [new_row(n) for n in range(1, 46)]
    path = desk.file([*rows[:30], new_row(2, internal_no="9"), *rows[30:]])
    job = desk.trial(path, create_organisations=True)
    assert job.counts["refused"] == 2  # lines that share their codes
    with desk.conn.transaction():
        store.request_apply(desk.conn, job.id, desk.clock.now())
    Importer(desk.conn, desk.clock, ImportSettings(rows_at_once=10), beside=beside).run(job.id)
    done = store.require_job(desk.conn, job.id)
    assert (done.state, done.counts["new"], done.counts["refused"]) == (JobState.DONE, 44, 2)
    units = desk.conn.execute(
        "select count(*), count(distinct no) from equipment.unit where device_code like '311010890%'"
    )
    assert units.fetchone() == (44, 44)
    for table in ("unit_source", "audit_entry", "log_pending where kind = 'audit'"):
        assert desk.conn.execute(f"select count(*) from equipment.{table}".encode()).fetchone() == (44,)


def test_a_plate_that_two_parts_both_write_is_refused_once(desk: Desk, beside: Connection) -> None:
    path = desk.file([new_row(n) for n in range(1, 21)])
    job = desk.trial(path, create_organisations=True)
    # after the trial somebody gave the plate of the last row away
    taken = new_row(20)["rescue_code"]
    desk.conn.execute("update equipment.unit set rescue_code = %s where id = 'L000003'", (taken,))
    with desk.conn.transaction():
        store.request_apply(desk.conn, job.id, desk.clock.now())
    Importer(desk.conn, desk.clock, ImportSettings(rows_at_once=10), beside=beside).run(job.id)
    done = store.require_job(desk.conn, job.id)
    assert (done.state, done.counts["new"], done.counts["refused"]) == (JobState.DONE, 19, 1)


def test_what_somebody_changed_between_trial_and_writing_is_seen(desk: Desk) -> None:
    path = desk.file([new_row(1, rescue_code="777001"), new_row(2, rescue_code="777002")])
    job = desk.trial(path, create_organisations=True)
    assert job.counts["new"] == 2
    desk.conn.execute("update equipment.unit set rescue_code = '777002' where id = 'L000003'")
    with desk.conn.transaction():
        store.request_apply(desk.conn, job.id, desk.clock.now())
    desk.importer.run(job.id)
    done = store.require_job(desk.conn, job.id)
    assert (done.counts["new"], done.counts["refused"]) == (1, 1)
    assert [(x.line, x.title) for x in desk.report(done) if x.severity == "refusal"] == [(3, "救援识别码")]


def test_a_row_that_the_database_refuses_stands_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.file([new_row(n) for n in range(1, 9)])
    job = desk.trial(path, create_organisations=True)
    with desk.conn.transaction():
        store.request_apply(desk.conn, job.id, desk.clock.now())
    together = Importer._write_together

    def late(self: Importer, running: Any, lines: list[int]) -> None:
        # somebody takes the plate after the plan was made
        if len(lines) == 8:
            self.conn.execute("update equipment.unit set rescue_code = '200005' where id = 'L000004'")
        together(self, running, lines)

    monkeypatch.setattr(Importer, "_write_together", late)
    with desk.conn.transaction():
        desk.conn.execute("update equipment.unit set rescue_code = null where id = 'L000004'")
    desk.importer.run(job.id)
    done = store.require_job(desk.conn, job.id)
    assert (done.state, done.counts["new"] + done.counts["refused"]) == (JobState.DONE, 8)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("姓名,电话\n张三,1\n".encode(), "找不到表头"),
        ("设备编号,设备代码,特种设备代码\nL1,1,2\n".encode(), "含义相同"),
        ("设备编号,设备代码\n".encode(), "没有数据行"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"%PDF-1.7 ", "PDF"),
        (b"PK\x03\x04 this is no workbook", "工作簿无法读取"),
        ('设备编号,设备代码\nL1,"未闭合'.encode() + b"x" * 140_000, "引号不配对"),
    ],
)
def test_a_file_that_is_no_table_of_units_says_what_to_do(desk: Desk, content: bytes, says: str) -> None:
    path = desk.folder / "odd.csv"
    path.write_bytes(content)
    job = desk.trial(path)
    assert job.state is JobState.FAILED
    assert says in (job.failure or "")


def test_a_file_of_200_mb_is_refused_by_its_size_alone(desk: Desk) -> None:
    path = desk.folder / "large.csv"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(ImportFileError, match="200 MB，上限 100 MB"):
        desk.submit(path)


def test_too_many_rows_are_refused(desk: Desk) -> None:
    path = desk.file([new_row(n) for n in range(1, 12)])
    job = desk.submit(path)
    Importer(desk.conn, desk.clock, ImportSettings(most_rows=10)).run(job)
    assert "一次最多 10 行" in (store.require_job(desk.conn, job).failure or "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_both_encodings_are_told_apart(desk: Desk, encoding: str) -> None:
    path = desk.folder / "x.csv"
    path.write_bytes("设备编号,制造单位\r\nL000001,龘靐㐀有限公司\r\n".encode(encoding))
    job = desk.apply(path)
    assert (job.encoding, job.counts["update"]) == ("gb18030" if encoding == "gb18030" else "utf-8-sig", 1)
    assert desk.conn.execute("select manufacturer from equipment.unit where id = 'L000001'").fetchone() == (
        "龘靐㐀有限公司",
    )


def test_merged_cells_formulas_and_numbers_of_a_workbook_are_reported(desk: Desk) -> None:
    import xlsxwriter

    path = desk.folder / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("台账")
        for column, title in enumerate(("设备编号", "制造单位", "设备代码", "层数")):
            sheet.write(0, column, title)
        for row in range(1, 5):
            sheet.write(row, 0, f"L00000{row}")
        sheet.merge_range(1, 1, 2, 1, "合并电梯厂")
        sheet.write_number(3, 2, 31101089020240000012)
        sheet.write_formula(4, 3, "=10+8", None, 18)
        sheet.write_formula(1, 3, "=A1", None, "")
    job = desk.apply(path)
    said = {(x.line, x.title, x.severity) for x in desk.report(job)}
    assert said == {
        (3, "制造单位", "note"), (4, "设备代码", "refusal"), (5, "层数", "note"), (2, "层数", "refusal"),
    }  # fmt: skip
    made = desk.conn.execute("select manufacturer from equipment.unit where id = 'L000002'").fetchone()
    assert made == ("合并电梯厂",)
    floors = desk.conn.execute("select parameters -> 'floors' from equipment.unit where id = 'L000004'").fetchone()
    assert floors == (18,)


def test_an_inspector_imports_into_his_area_only(desk: Desk) -> None:
    from equipment.access.model import Asker, Role

    account = desk.conn.execute("select id from equipment.account where role = 'inspector'").fetchone()
    assert account is not None
    asker = Asker(account[0], "inspector", "监察员", Role.INSPECTOR, None, "/341300/341302/")
    outside = desk.conn.execute(
        "select id, rescue_code from equipment.unit where jurisdiction_path not like '/341300/341302/%%'"
        " and rescue_code is not null order by no limit 1"
    ).fetchone()
    assert outside is not None
    path = desk.file(
        [
            new_row(1),
            new_row(2, jurisdiction_id="萧县"),
            {"id": outside[0], "name": "改名"},
            new_row(3, rescue_code=outside[1]),
        ]
    )
    sent = store.submission(path, path.name, 10_000_000)
    with desk.conn.transaction():
        job, _ = store.submit(desk.conn, sent, ImportOptions(create_organisations=True), asker, desk.clock.now())
    desk.importer.run(job)
    found = store.require_job(desk.conn, job)
    assert (found.counts["new"], found.counts["refused"]) == (1, 3)
    said = [(x.line, x.why) for x in desk.report(found) if x.severity == "refusal"]
    assert [line for line, _ in said] == [3, 4, 5]
    assert all("辖区" in why or "范围" in why for _, why in said)
    assert not any(outside[0] in why for _, why in said)


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("event", list(JobEvent))
def test_every_pair_of_state_and_event_is_a_step_or_an_error(state: JobState, event: JobEvent) -> None:
    if (state, event) in STEPS:
        assert step(state, event) is STEPS[state, event]
    else:
        with pytest.raises(ImportStateError):
            step(state, event)


def test_the_template_is_a_file_that_we_read(desk: Desk) -> None:
    path = desk.folder / "template.xlsx"
    write_xlsx(path, template_header(), (), "模板")
    job = desk.trial(path)
    assert "没有数据行" in (job.failure or "")
    assert len(template_header()) == len(columns()) - 1


def test_every_check_of_the_registry_speaks_of_a_column() -> None:
    assert set(CHECK_COLUMNS) >= {check.__name__ for check in CHECKS}
    assert all(title_of(name) != name for name in CHECK_COLUMNS.values())
