"""Items that a glance does not answer: values with limits, prescribed tests, conditions."""

from __future__ import annotations

import re

import pytest

from maintenance.checklists.catalogue import ANNEXES, LEVELS, PLACE_WORDS, PLACES, checklist, load_items, load_measures


def test_every_item_has_a_place_with_a_word_and_a_mark() -> None:
    assert len(load_items()) == 257
    assert set(PLACE_WORDS) == set(PLACES)
    assert all(item.place in PLACE_WORDS and item.mark for item in load_items())


def test_every_limit_stands_in_the_requirement() -> None:
    for item in load_items():
        if item.measure is not None:
            numbers = {float(n) for n in re.findall(r"\d+(?:\.\d+)?", item.requirement_zh)}
            assert {v for v in (item.measure.low, item.measure.high) if v is not None} <= numbers, item.id


def test_every_number_of_a_requirement_is_a_measure_or_a_prescribed_test() -> None:
    bare = [i.id for i in load_items() if re.search(r"\d", i.requirement_zh) and not i.one_by_one]
    assert bare == []


@pytest.mark.parametrize(("value", "holds"), [(6.9, False), (7.0, True), (12.0, True)])
def test_the_limit_itself_is_in_range(value: float, holds: bool) -> None:
    assert load_measures()["A-1-29"].holds(value) is holds


@pytest.mark.parametrize("annex", ANNEXES)
def test_a_half_monthly_visit_has_at_most_five_places(annex: str) -> None:
    assert len({item.place for item in checklist(annex, LEVELS[0]).items}) <= 5
