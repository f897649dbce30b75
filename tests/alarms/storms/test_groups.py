"""Groups as timing diagrams: one line for one cause, and whoever is trapped inside it is seen at once."""

from __future__ import annotations

import pytest

from alarms.errors import CauseError
from alarms.storms import store
from alarms.storms.model import load_causes, read_causes
from tests.alarms.storms.console import BUTTON, POWER, SILENT, TRAPPED, Console

OPEN_INCIDENTS = "select count(*) from alarms.incident where state <> 'auto_cleared'"


def lines(console: Console) -> list[store.Storm]:
    return store.storms(console.conn, console.clock.now())


def test_a_power_cut_is_one_line_from_its_first_alarm(console: Console) -> None:
    units = console.lifts[:8]
    for n in range(4):
        console.say(n, "raised", POWER, [units[n]])
    assert lines(console) == [], "four are four"
    console.say(4, "raised", POWER, [units[4]])
    line = lines(console)[0]
    assert (line.cause, line.alarms, line.inhibited, line.first_alarm) == (
        "district_power_cut", 5, 4, console.key(POWER, units[0])
    )  # fmt: skip
    assert [console.state(POWER, u) for u in units[:5]] == ["unacknowledged", *["suppressed_by_design"] * 4]
    console.say(30, "raised", POWER, units[5:8])
    console.say(40, "raised", SILENT, units[5:6])
    assert (lines(console)[0].alarms, lines(console)[0].inhibited) == (9, 8)


def test_five_that_are_not_close_together_are_no_group(console: Console) -> None:
    units = console.lifts
    for n in range(5):
        console.say(60 * n, "raised", POWER, [units[n]])
    assert lines(console) == []


def test_an_alarm_that_is_over_makes_no_group(console: Console) -> None:
    units = console.lifts
    console.say(0, "raised", POWER, units[:4])
    console.say(5, "cleared", POWER, units[:1])
    console.say(6, "raised", POWER, [units[4]])
    assert lines(console) == []


def test_entrapments_and_the_alarm_button_inside_a_power_cut_each_open_an_incident(console: Console) -> None:
    units = console.lifts
    console.say(0, "raised", POWER, units[:20])
    assert console.one(OPEN_INCIDENTS) == 0
    console.say(50, "raised", TRAPPED, units[3:6])
    console.say(55, "raised", BUTTON, units[6:7])
    assert console.one(OPEN_INCIDENTS) == 4
    assert [console.state(TRAPPED, u) for u in units[3:6]] == ["unacknowledged"] * 3
    line = lines(console)[0]
    assert (line.alarms, line.rescue) == (24, 4)
    assert [m.protected for m in store.members(console.conn, line.id)][:5] == [True, True, True, True, False]


def test_when_the_power_is_back_the_line_ends_and_who_is_still_without_pages_by_himself(console: Console) -> None:
    units = console.lifts
    console.say(0, "raised", POWER, units[:1])
    console.say(1, "raised", POWER, units[1:10])
    console.say(100, "cleared", POWER, units[:7])
    console.to(102)
    assert lines(console)[0].ended_at is None, "three are still without"
    console.say(110, "cleared", POWER, units[7:8])
    console.to(112)
    assert lines(console) == []
    assert [console.state(POWER, u) for u in units[8:10]] == ["unacknowledged"] * 2
    assert [console.state(POWER, u) for u in units[1:8]] == ["normal"] * 7
    history = console.all(
        "select event from alarms.alarm_event where alarm_id = %s order by id", console.key(POWER, units[9])
    )
    assert history == ["raised", "inhibited", "released"]


def test_a_group_goes_on_over_a_restart(console: Console) -> None:
    units = console.lifts
    console.say(0, "raised", POWER, units[:6])
    console.restart()
    console.say(20, "raised", POWER, units[6:9])
    assert len(lines(console)) == 1
    assert lines(console)[0].inhibited == 8


def test_what_a_person_has_taken_up_is_left_to_him(console: Console) -> None:
    units = console.lifts
    console.say(0, "raised", POWER, units[:4])
    console.conn.execute(
        "update alarms.alarm set state = 'acknowledged' where id = %s", (console.key(POWER, units[2]),)
    )
    console.say(5, "raised", POWER, units[4:5])
    assert console.state(POWER, units[2]) == "acknowledged"
    assert lines(console)[0].inhibited == 3


def test_silent_terminals_of_a_gateway_or_of_a_firm_are_one_line(console: Console) -> None:
    units = console.lifts
    console.conn.execute("insert into ingest.gateway (id, kind, created_at) values ('gw1', 'gateway', now())")
    for n, unit in enumerate(units[:3]):
        console.conn.execute(
            "insert into ingest.gateway_unit (gateway_id, address, unit_no) values ('gw1', %s, %s)", (str(n), unit)
        )
    console.say(0, "raised", SILENT, units[:3])
    assert [(s.cause, s.place, s.alarms) for s in lines(console)] == [("gateway_loss", "gw1", 3)]
    firm = console.all(
        "select no from equipment.unit where kind = 'lift' and firm_org_id = (select firm_org_id from equipment.unit"
        " where kind = 'lift' and no > all(%s) group by 1 order by count(*) desc limit 1) and no > all(%s) order by no",
        units[:3], units[:3],
    )[:10]  # fmt: skip
    console.say(60, "raised", SILENT, firm[:9])
    assert len(lines(console)) == 1
    console.say(70, "raised", SILENT, firm[9:])
    assert {(s.cause, s.alarms) for s in lines(console)} == {("gateway_loss", 3), ("platform_down", 10)}


def test_one_alarm_explains_another_of_its_unit_while_it_is_active(console: Console) -> None:
    unit = console.lifts[0]
    console.say(0, "raised", POWER, [unit])
    console.say(5, "raised", "lift.position_lost", [unit])
    console.say(6, "raised", "lift.position_lost", [console.lifts[1]])
    assert console.state("lift.position_lost", unit) == "suppressed_by_design"
    assert console.state("lift.position_lost", console.lifts[1]) == "unacknowledged"
    record = console.all("select kind, scope, author, reason from alarms.suppression")
    assert record == [("inhibition", f"alarm:{console.key(POWER, unit)}", "teshe", "power_explains")]
    console.say(20, "cleared", POWER, [unit])
    console.to(22)
    assert console.state("lift.position_lost", unit) == "unacknowledged"


def test_three_hundred_alarms_in_a_minute(console: Console) -> None:
    """Two cuts' worth of lifts, every other rule besides, three people trapped: nothing is lost and three ring."""
    units = console.lifts[:50]
    rules = (POWER, "lift.door_close_fault", "lift.safety_chain_open", "lift.stop_outside_zone", "lift.position_lost",
             SILENT)  # fmt: skip
    for n, rule in enumerate(rules):
        console.say(10.0 * n, "raised", rule, units)
    console.say(59, "raised", TRAPPED, units[10:13])
    console.to(60)
    assert console.one("select count(*) from alarms.alarm") == len(rules) * len(units) + 3
    assert console.one(OPEN_INCIDENTS) == 3
    assert [s.alarms for s in lines(console)] == [len(rules) * len(units) + 3]
    loud = console.one("select count(*) from alarms.alarm where state = 'unacknowledged'")
    assert loud == 1 + 3, "the first of the cut and the three who are trapped"
    console.restart()
    console.to(70)
    assert [s.rescue for s in lines(console)] == [3]


def test_the_causes_are_read_strictly_and_never_name_a_rescue() -> None:
    text = """
groups:
  - {id: g, title: {zh: 群, en: g}, place: district, triggers: [lift.power_lost], count: 5, window_seconds: 60,
     ends_below: 2, longest_hours: 1, inhibits: [%s], source: s, mark: D%s}
inhibitions: []
"""
    assert len(read_causes(text % ("lift.silent", "")).groups) == 1
    for rule in (TRAPPED, "lift.entrapment_code", BUTTON):
        with pytest.raises(CauseError, match="never inhibited"):
            read_causes(text % (rule, ""))
    with pytest.raises(CauseError, match="unknown fields"):
        read_causes(text % ("lift.silent", ", colour: red"))
    with pytest.raises(CauseError, match="ends_below"):
        read_causes((text % ("lift.silent", "")).replace("ends_below: 2", "ends_below: 6"))
    with pytest.raises(CauseError, match="missing"):
        read_causes("groups: []")
    assert {g.id for g in load_causes().groups} == {"district_power_cut", "gateway_loss", "platform_down"}
