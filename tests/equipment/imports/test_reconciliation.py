"""Sources that never agree: each keeps its keys, the truth of a value is one source's, the rest waits for a person."""

from __future__ import annotations

from dataclasses import fields

import pytest

from equipment.access import scope
from equipment.access.model import Asker, Role
from equipment.errors import DecisionError, InvalidUnitError, UnknownReconciliationError
from equipment.foundation.database import DatabaseRole
from equipment.imports.columns import ORGANISATIONS, columns, sources, truths
from equipment.imports.model import ImportOptions
from equipment.imports.plan import UNIT_FIELDS
from equipment.imports.reconciliation import ACTS, Decision, Reconciliation, WorkFilter, counts, decide, items
from equipment.registry.model import NewUnit
from tests.conftest import Database
from tests.equipment.imports.conftest import Desk, new_row

ORGANISATIONS_BY_COLUMN = {column: name for name, (column, _) in ORGANISATIONS.items()}


def unit(desk: Desk, unit_id: str, *names: str) -> tuple[object, ...]:
    row = desk.conn.execute(
        f"select {', '.join(names)} from equipment.unit where id = %s".encode(), (unit_id,)
    ).fetchone()
    assert row is not None
    return row


def work(desk: Desk) -> list[Reconciliation]:
    return items(desk.conn, WorkFilter())


def regulator(desk: Desk) -> Asker:
    row = desk.conn.execute("select id from equipment.account where role = 'regulator'").fetchone()
    assert row is not None
    return Asker(row[0], "regulator", "监管", Role.REGULATOR, None, "/341300/")


def settle(desk: Desk, item: Reconciliation, decision: str, unit_id: str | None = None) -> Reconciliation:
    with desk.conn.transaction():
        return decide(
            desk.conn, item.id, Decision(decision, "现场核对标牌", unit_id), regulator(desk), desk.clock.now()
        )


def test_the_source_of_truth_is_taken_and_another_waits(desk: Desk) -> None:
    device, plate, name = unit(desk, "L000001", "device_code", "rescue_code", "name")
    row = {"device_code": str(device), "rescue_code": "888001", "name": "别的名称", "building": "99栋"}
    job = desk.apply(desk.file([row]), source="plates")
    # the plate list is the truth about plates and buildings, not about names
    assert unit(desk, "L000001", "rescue_code", "building", "name") == ("888001", "99栋", name)
    assert (job.counts["update"], job.counts["conflicts"]) == (1, 1)
    (item,) = work(desk)
    assert (item.kind, item.field, item.unit_id) == ("field", "name", "L000001")
    assert (item.registry_value, item.source_value) == (name, "别的名称")
    job = desk.apply(desk.file([{**row, "rescue_code": str(plate)}]), source="registration")
    assert unit(desk, "L000001", "rescue_code", "name") == ("888001", "别的名称")
    # the registry says now what the plate list said, but only the plate list's next file settles its own item
    assert {(i.source, i.field) for i in work(desk)} == {("plates", "name"), ("registration", "rescue_code")}


def test_a_decision_is_kept_with_its_reason_and_not_asked_again(desk: Desk) -> None:
    device, name = unit(desk, "L000001", "device_code", "name")
    path = desk.file([{"device_code": str(device), "name": "别的名称"}])
    desk.apply(path, source="plates")
    (item,) = work(desk)
    done = settle(desk, item, "keep")
    assert (done.decision, done.reason, done.decided_by_name) == ("keep", "现场核对标牌", "监管部门领导")
    job = desk.apply(path, source="plates", again=True)
    assert (job.counts["conflicts"], work(desk)) == (0, [])
    assert unit(desk, "L000001", "name") == (name,)
    entry = desk.conn.execute(
        "select account_id, reason, before, after from equipment.audit_entry where action = 'reconciliation.decide'"
    ).fetchone()
    assert entry is not None
    assert entry[1:] == (
        "现场核对标牌", {"registry": name, "source": "别的名称", "field": "name"}, {"decision": "keep", "unit": "L000001"},
    )  # fmt: skip
    # another word of the source is another question
    desk.apply(desk.file([{"device_code": str(device), "name": "第三个名称"}], "other.csv"), source="plates")
    (item,) = work(desk)
    settle(desk, item, "take")
    assert unit(desk, "L000001", "name") == ("第三个名称",)


def test_the_same_disagreement_stands_in_the_list_once(desk: Desk) -> None:
    device, _ = unit(desk, "L000001", "device_code", "name")
    path = desk.file([{"device_code": str(device), "name": "别的名称"}])
    desk.apply(path, source="plates")
    desk.apply(path, source="plates", again=True)
    assert len(work(desk)) == 1
    desk.conn.execute("update equipment.unit set name = '别的名称' where id = 'L000001'")
    desk.apply(path, source="plates", again=True)
    assert work(desk) == []


def test_a_row_without_a_unit_waits_and_its_key_finds_the_unit_for_ever_after(desk: Desk) -> None:
    path = desk.file([{"source_key": "P-17", "rescue_code": "888017", "entrance": "9单元"}])
    job = desk.apply(path, source="plates")
    assert (job.counts["waiting"], job.counts["new"]) == (1, 0)
    (item,) = work(desk)
    assert (item.kind, item.source_key) == ("unmatched", "P-17")
    with pytest.raises(DecisionError, match="缺少"):
        settle(desk, item, "create")
    settle(desk, item, "link", "L000005")
    job = desk.apply(path, source="plates", again=True)
    assert (job.counts["update"], job.counts["waiting"]) == (1, 0)
    assert unit(desk, "L000005", "rescue_code", "entrance") == ("888017", "9单元")


def test_a_whole_row_becomes_a_unit_when_a_person_says_so(desk: Desk) -> None:
    use = desk.conn.execute(
        "select name from equipment.organisation where kind = 'use_unit' order by id limit 1"
    ).fetchone()
    assert use is not None
    desk.apply(desk.file([new_row(1, use_org=use[0])]), source="plates")
    (item,) = work(desk)
    settle(desk, item, "create")
    assert unit(desk, "311010890202400001", "rescue_code", "kind") == ("200001", "lift")
    desk.apply(desk.file([new_row(2, use_org=use[0])], "two.csv"), source="plates")
    (item,) = work(desk)
    settle(desk, item, "ignore")
    job = desk.apply(desk.file([new_row(2, use_org=use[0])], "two.csv"), source="plates", again=True)
    assert (job.counts["unchanged"], work(desk)) == (1, [])


def test_every_firm_is_a_source_of_its_own_and_its_claim_is_no_change_of_firm(desk: Desk) -> None:
    mine, other = unit(desk, "L000001", "firm_org_id", "device_code")[0], None
    other = desk.conn.execute(
        "select id from equipment.organisation where kind = 'maintenance_firm' and id <> %s limit 1", (mine,)
    ).fetchone()
    assert other is not None
    device = str(unit(desk, "L000001", "device_code")[0])
    path = desk.file([{"source_key": "A1", "device_code": device}])
    desk.apply(path, source="firm", organisation_id=other[0])
    assert unit(desk, "L000001", "firm_org_id") == (mine,)
    (item,) = work(desk)
    assert (item.source, item.field, item.source_value) == (f"firm:{other[0]}", "firm_org_id", other[0])
    desk.apply(path, source="firm", organisation_id=mine)
    assert len(work(desk)) == 1
    keys = desk.conn.execute("select source, source_key from equipment.unit_source order by source").fetchall()
    assert sorted(keys) == sorted([(f"firm:{mine}", "A1"), (f"firm:{other[0]}", "A1")])


def test_codes_that_name_two_units_are_nobodys_guess(desk: Desk) -> None:
    device = str(unit(desk, "L000001", "device_code")[0])
    plate = str(unit(desk, "L000002", "rescue_code")[0])
    before = desk.units()
    job = desk.apply(desk.file([{"source_key": "X", "device_code": device, "rescue_code": plate}]), source="plates")
    assert job.counts["refused"] == 1
    assert desk.units() == before
    (item,) = work(desk)
    assert (item.kind, item.candidate_ids) == ("identity", ["L000001", "L000002"])
    settle(desk, item, "link", "L000001")


def test_a_plate_does_not_turn_one_machine_into_another(desk: Desk) -> None:
    plate = str(unit(desk, "L000002", "rescue_code")[0])
    before = desk.units()
    job = desk.apply(desk.file([new_row(1, rescue_code=plate)]), source="registration", create_organisations=True)
    assert job.counts["refused"] == 1
    assert desk.units() == before
    assert [item.kind for item in work(desk)] == ["identity"]


def test_place_and_number_match_however_they_are_written(desk: Desk) -> None:
    desk.conn.execute(
        "update equipment.unit set address = '宿州市埇桥区银河一路 7 号', internal_no = '3号梯' where id = 'L000007'"
    )
    row = {"source_key": "K", "address": "安徽省宿州市埇桥区银河一路7号", "internal_no": "３#", "entrance": "八单元"}
    desk.apply(desk.file([row]), source="plates")
    assert unit(desk, "L000007", "entrance") == ("八单元",)


def test_coordinates_are_decided_together_with_their_datum(desk: Desk) -> None:
    device, lon = unit(desk, "L000001", "device_code", "lon")
    row = {"device_code": str(device), "lon": "116.99", "lat": "33.65", "datum": "GCJ-02"}
    desk.apply(desk.file([row]), source="registration")
    assert unit(desk, "L000001", "lon", "datum") == (lon, "wgs84")
    (item,) = work(desk)
    assert (item.field, item.source_value) == ("position", {"lon": 116.99, "lat": 33.65, "datum": "gcj02"})
    settle(desk, item, "take")
    assert unit(desk, "L000001", "lon", "lat", "datum") == (116.99, 33.65, "gcj02")


def test_what_the_registry_refuses_is_not_decided(desk: Desk) -> None:
    device = str(unit(desk, "L000001", "device_code")[0])
    made = unit(desk, "L000001", "make_date")[0]
    desk.conn.execute("update equipment.unit set first_use_date = null where id = 'L000001'")
    desk.apply(desk.file([{"device_code": device, "make_date": "2020-01-01"}]), source="plates")
    (item,) = work(desk)
    desk.conn.execute("update equipment.unit set first_use_date = '2019-01-01' where id = 'L000001'")
    with pytest.raises(InvalidUnitError):
        settle(desk, item, "take")
    assert unit(desk, "L000001", "make_date") == (made,)
    assert len(work(desk)) == 1
    with pytest.raises(DecisionError, match="理由"), desk.conn.transaction():
        decide(desk.conn, item.id, Decision("keep", " "), regulator(desk), desk.clock.now())
    with pytest.raises(DecisionError, match="可选"):
        settle(desk, item, "link", "L000001")
    settle(desk, item, "keep")
    with pytest.raises(DecisionError, match="已决定"):
        settle(desk, item, "keep")


def test_the_work_list_of_an_area_is_seen_there_only(desk: Desk, city: Database) -> None:
    rows = desk.conn.execute(
        "select device_code, jurisdiction_path from equipment.unit where kind = 'lift' order by no"
    ).fetchall()
    desk.apply(desk.file([{"device_code": code, "name": "改名"} for code, _ in rows]), source="plates")
    assert counts(desk.conn) == {("plates", "field"): len(rows)}
    account = desk.conn.execute("select id from equipment.account where role = 'inspector'").fetchone()
    assert account is not None
    asker = Asker(account[0], "inspector", "监察员", Role.INSPECTOR, None, "/341300/341302/")
    inside = [path for _, path in rows if path.startswith("/341300/341302/")]
    with city.connect(DatabaseRole.SCOPED) as scoped:
        scope.apply(scoped, asker)
        seen = items(scoped, WorkFilter())
        assert 0 < len(seen) == len(inside) < len(rows)
        done = decide(scoped, seen[0].id, Decision("take", "核对"), asker, desk.clock.now())
        assert done.decision == "take"
        elsewhere = next(i for i in work(desk) if i.id not in {s.id for s in seen})
        with pytest.raises(UnknownReconciliationError):
            decide(scoped, elsewhere.id, Decision("take", "核对"), asker, desk.clock.now())


def test_every_value_of_a_unit_has_its_source_of_truth() -> None:
    assert set(UNIT_FIELDS) <= {f.name for f in fields(NewUnit)}
    assert set(UNIT_FIELDS) == set(truths()) | {"id", "kind"}
    stated = {
        ORGANISATIONS_BY_COLUMN.get(name, name)
        for name, column in columns().items()
        if column.kind not in ("key", "credit", "parameter")
    }
    assert stated - {"id"} == set(truths())
    assert {truth.source for truth in truths().values()} <= set(sources())
    for name in sources():
        ImportOptions(name, 1 if sources()[name].per_organisation else None)
    assert set(ACTS) == {"field", "unmatched", "ambiguous", "identity"}
