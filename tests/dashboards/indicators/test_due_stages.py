"""What a cut keeps of due dates says the same as the register's own function on every day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dashboards.indicators.cuts import Duty, duty_of
from equipment.due.dates import Facts, Inspection, due_dates

KINDS = st.sampled_from(["supervision", "repair_supervision", "periodic", "self_test", "restart"])
DAYS = st.dates(date(2005, 1, 1), date(2026, 12, 31))
FACTS = st.builds(
    Facts,
    variety=st.sampled_from(["3110", "3310", "4110", "2150", "5110", "6200", "8100"]),
    kind=st.just("lift"),
    status=st.just("in_use"),
    first_use=st.none() | DAYS,
    certificate_no=st.just("梯11"),
    insured_to=st.none(),
    inspections=st.lists(st.builds(Inspection, kind=KINDS, on=DAYS, passed=st.booleans()), max_size=8).map(tuple),
)


def stage_of(kept: Duty, day: date) -> int:
    """As ``dashboards.stage_duty`` has it."""
    if not kept.ruled or (not kept.recorded and kept.last is not None and day > kept.last):
        return -1
    if kept.on is None:
        return 0
    return 3 if kept.on >= day else 2 if kept.recorded else 1


@given(FACTS, st.dates(date(2015, 1, 1), date(2030, 12, 31)), st.sampled_from(["inspection", "self_test"]))
def test_stages_agree_with_the_register(facts: Facts, day: date, duty: str) -> None:
    stage = stage_of(duty_of(duty, facts), day)
    told = next((d for d in due_dates(facts, day) if d.duty == duty), None)
    if told is None or told.why == "no_rule":
        # not owed: no rule for the variety, or no date of a duty that ends is left; before its last date nothing is on record
        kept = duty_of(duty, facts)
        assert stage == -1 or (stage == 1 and not kept.recorded and kept.last is not None and day <= kept.last)
    elif told.on is None:
        assert stage == 0
    elif told.state == "overdue":
        assert stage == 2
    elif told.state == "unknown":
        assert stage == 1
    elif stage == 1:
        # near or far, but an earlier date has passed with nothing on record: the register passes it over, the target does not
        assert told.state in ("ok", "soon")
        passed = duty_of(duty, facts).on
        assert passed is not None
        assert passed < day < told.on + timedelta(days=1)
    else:
        assert (stage, told.on) == (3, duty_of(duty, facts).on)
