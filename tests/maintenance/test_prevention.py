"""双重预防: scores with parts, credit, draws that anybody can repeat, results that become leads, indicators."""

from __future__ import annotations

import copy
import io
import math
from typing import Any

import psycopg
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from maintenance.errors import DataError, LedgerInputError
from maintenance.prevention import model
from maintenance.prevention.model import Basis
from tests.conftest import Database
from tests.maintenance.office import LIFT, Office

OFFICERS = ["张监察 W1001", "李监察 W1002", "王监察 W1003"]
TWO = "张监察 W1001、李监察 W1002"
UNITS = st.dictionaries(
    st.text("ABC0123456789", min_size=1, max_size=8), st.sampled_from(["red-A", "blue-B"]), max_size=60
)


def test_every_part_of_a_score_is_shown_and_what_is_unknown_counts() -> None:
    nothing: dict[str, float | None] = dict.fromkeys(model.rules()["score"], 0.0)
    assert model.score(nothing).points == 0
    for name, part in model.rules()["score"].items():
        worst = model.score(nothing | {name: 1e6})
        assert worst.points == part["steps"][0][1], name
        assert {p.name for p in worst.parts} == set(model.rules()["score"])
    unknown = model.score(nothing | {"age": None})
    assert unknown.points == model.rules()["score"]["age"]["unknown"] > 0
    assert model.score(dict.fromkeys(nothing, 1e6)).points == 100
    assert model.score(dict.fromkeys(nothing, 1e6)).level == "red"


def test_rules_with_a_mistake_are_refused() -> None:
    def broken(change: object) -> dict[str, object]:
        found = copy.deepcopy(model.rules())
        change(found)  # type: ignore[operator]
        return found

    for change in (
        lambda r: r["score"]["age"].update(steps=[[5, 3], [15, 15]]),
        lambda r: r["levels"].pop(),
        lambda r: r["draw"]["shares"].update(red=2),
        lambda r: r["checklist"][0].update(clause="9 z"),
        lambda r: r.pop("credit"),
    ):
        with pytest.raises(DataError):
            model.check(broken(change))


def test_a_firm_with_too_few_units_has_no_grade() -> None:
    assert model.credit(3, {"open_major": 3}).grade == "unknown"
    assert model.credit(100, {}).grade == "A"
    worse = model.credit(100, {"open_major": 1, "open_overdue": 2})
    assert (worse.grade, worse.points, worse.deductions["open_overdue"]) == ("C", 60.0, 20.0)
    assert model.credit(100, {"open_major": 90}).grade == "D"


@given(UNITS, st.text("abcdef0123456789", min_size=1, max_size=20), st.floats(0, 1))
def test_a_draw_is_repeatable_takes_its_share_and_asks_no_order(units: dict[str, str], seed: str, share: float) -> None:
    shares = {"red-A": share, "blue-B": share / 2}
    drawn = model.draw(Basis("t", seed, shares, units, OFFICERS))
    assert drawn == model.draw(Basis("t", seed, shares, dict(reversed(units.items())), list(reversed(OFFICERS))))
    for stratum, part in shares.items():
        of_it = [u for u, s in units.items() if s == stratum]
        assert len([t for t in drawn if t.stratum == stratum]) == math.ceil(part * len(of_it))
    assert len({t.unit_id for t in drawn}) == len(drawn)
    assert all(len(set(t.officers)) == 2 for t in drawn)


def test_another_seed_draws_others_and_nobody_is_favoured() -> None:
    units = {f"L{n:04d}": "red-A" for n in range(200)}
    counts = dict.fromkeys(units, 0)
    for number in range(200):
        for task in model.draw(Basis("t", f"seed{number}", {"red-A": 0.5}, units, OFFICERS)):
            counts[task.unit_id] += 1
    assert min(counts.values()) > 60
    assert max(counts.values()) < 140
    with pytest.raises(LedgerInputError):
        model.draw(Basis("t", " ", {}, units, OFFICERS))
    with pytest.raises(LedgerInputError):
        model.draw(Basis("t", "s", {}, units, OFFICERS[:1]))


@given(
    st.integers(0, 80),
    st.dictionaries(st.sampled_from(["red-A", "red-B", "blue-A", "blue-D"]), st.integers(1, 30), min_size=1),
    st.floats(0, 1),
)
def test_a_number_is_spread_over_the_strata_and_never_exceeds_them(
    number: int, sizes: dict[str, int], share: float
) -> None:
    shares = {"red-A": share, "red-B": 0.2, "blue-A": 0.1}
    found = model.spread(number, shares, sizes)
    can = sum(n for s, n in sizes.items() if shares.get(s, 0) > 0)
    assert sum(found.values()) == min(number, can)
    assert all(found[s] <= sizes[s] for s in sizes)
    assert found == model.spread(number, shares, dict(reversed(sizes.items())))


def test_a_draw_by_number_takes_so_many_and_can_be_repeated(office: Office, database: Database) -> None:
    office.conn.execute("update equipment.unit set jurisdiction_id = '341302'")
    wanted = {"kind": "lift", "number": 3, "colours": "blue,yellow"}
    strata = office.inspector.post("/prevention/draws/preview", wanted)
    assert sum(s["wanted"] for s in strata) == 3
    assert {s["name"].split("-")[0] for s in strata} <= {"blue", "yellow"}
    body = wanted | {"title": "三月", "basis": "宿市监〔2026〕9号", "seed": "4821", "officers": "\n".join(OFFICERS)}
    made = office.inspector.post("/prevention/draws", body)["draw_id"]
    assert office.inspector.get(f"/prevention/draws/{made}/repeat") == {"same": True, "tasks": 3}
    assert len(office.inspector.get(f"/prevention/draws/{made}/tasks")) == 3
    shown = office.inspector.client.get(f"/ledger/draws/{made}?again=1", headers={"accept": "text/html"}).text
    assert "结果一致" in shown or "相同" in shown
    listed = office.inspector.client.get(f"/api/v1/prevention/draws/{made}/tasks.csv").content.decode("utf-8-sig")
    assert len(listed.splitlines()) == 4
    assert office.inspector.send("/prevention/draws", body | {"colours": "pink"}).status_code == 422
    nothing = office.inspector.send("/prevention/draws", body | {"kind": "none"})
    assert "未抽取" in nothing.text, nothing.text
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("alter table maintenance.draw disable trigger draw_append_only")
        owner.execute("update maintenance.draw set seed = '4822' where id = %s", (made,))
    assert office.inspector.get(f"/prevention/draws/{made}/repeat")["same"] is False


def test_a_draw_of_the_district_and_its_results_in_the_ledger(office: Office) -> None:
    office.hazard("major", "4.6 b")
    rated = office.inspector.get(f"/units/{LIFT}/risk")
    parts = {p["name"]: p for p in rated["score"]["parts"]}
    assert parts["major_hazards"]["value"] == 1
    assert rated["score"]["points"] >= parts["major_hazards"]["points"] > 0
    body = {
        "title": "2026 年 3 月双随机",
        "basis": "宿市监〔2026〕9号",
        "seed": "体彩 20260301 期 4821",
        "officers": OFFICERS,
    }
    made = office.inspector.post("/prevention/draws", body)["draw_id"]
    assert office.inspector.get(f"/prevention/draws/{made}/repeat")["same"] is True
    tasks = office.inspector.get(f"/prevention/draws/{made}/tasks")
    assert tasks
    assert office.inspector.get("/prevention/draws")[0]["seed"] == body["seed"]
    right = {item["id"]: "" for item in office.inspector.get("/prevention/rules")["checklist"]}
    result = {"conclusion": "problems", "officers": TWO, "items": right | {"5": "无人应答"}}
    address = f"/prevention/tasks/{tasks[0]['id']}/result"
    assert office.inspector.send(address, result | {"items": {"5": "无人应答"}}).status_code == 409
    assert office.inspector.send(address, result | {"conclusion": "no_problem"}).status_code == 409
    assert office.inspector.send(address, result | {"conclusion": "not_possible", "items": {}}).status_code == 409
    opened = office.inspector.post(address, result)["lead_ids"]
    lead = next(x for x in office.inspector.get("/leads") if x["id"] == opened[0])
    assert (lead["source_kind"], lead["evidence"]["document"]) == ("inspection", f"检查任务 {tasks[0]['number']}")
    assert office.inspector.send(address, result).status_code == 409
    assert office.inspector.get("/prevention/draws")[0]["done"] == 1


def take(office: Office, data: bytes) -> Any:
    query = {"title": "省平台 3 月", "basis": "皖市监〔2026〕1号"}
    inspector = office.inspector
    return inspector.client.post(
        "/api/v1/prevention/draws/import", params=query, content=data, headers={"X-CSRF-Token": inspector.csrf}
    )


def test_tasks_of_the_province_are_taken_and_risk_grades_given(office: Office) -> None:
    text = f"任务编号,设备编号,检查人员\nAH-1,{LIFT},张监察 W1001、李监察 W1002\n"
    made = take(office, text.encode("gb18030")).json()["draw_id"]
    assert office.inspector.get(f"/prevention/draws/{made}/tasks")[0]["number"] == "AH-1"
    assert office.inspector.client.get(f"/api/v1/prevention/draws/{made}/repeat").status_code == 422
    wrong = take(office, (text + "AH-2,L999999,张监察 W1001\n").encode())
    assert "AH-2" in wrong.json()["detail"]
    assert "第 3 行" in take(office, (text + "AH-3,,张监察 W1001\n").encode()).json()["detail"]
    assert len(office.inspector.get("/prevention/draws")) == 1
    assert take(office, b"a,b\n1,2\n").status_code in (400, 422)
    book = io.BytesIO()
    sheet = xlsxwriter.Workbook(book, {"in_memory": True})
    page = sheet.add_worksheet()
    for line, cells in enumerate((("任务编号", "设备编号", "检查人员"), ("AH-9", LIFT, "张监察 W1001"))):
        page.write_row(line, 0, cells)
    sheet.close()
    assert take(office, book.getvalue()).status_code == 201
    answer = office.inspector.client.get("/api/v1/prevention/risk.csv")
    assert answer.content.decode("utf-8-sig").splitlines()[1].startswith(LIFT)


def test_indicators_count_what_is_open_late_and_closed_in_time(office: Office) -> None:
    first, second = office.hazard(cause="a"), office.hazard("serious", cause="b")
    office.rectifying(first, days=3)
    office.hand_over(second, days=3)
    office.act(office.officer, first, "apply", evidence="已整改")
    office.act(office.inspector, first, "close", evidence="合格", officers=TWO)
    office.platform.clock.advance(8 * 86_400)
    found = office.inspector.get("/ledger/indicators?by=district")
    group = next(g for g in found["groups"] if g["key"] == "341302")
    assert {n: group[n] for n in ("open", "overdue", "closed", "closed_in_time", "reopened")} == {
        "open": 1, "overdue": 1, "closed": 1, "closed_in_time": 1, "reopened": 0,
    }  # fmt: skip
    assert group["median_days"] is not None
    assert found["open_by_age"] == [{"grade": "serious", "days": "7-30", "open": 1}]
    for by in ("firm", "source"):
        assert office.inspector.get(f"/ledger/indicators?by={by}")["groups"][0]["open"] == 1
