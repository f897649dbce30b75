"""特种设备目录 and the jurisdictions."""

import re
from typing import Any

import pytest

from equipment.catalogue.load import MARKS, load_catalogue
from equipment.catalogue.varieties import headings, jurisdictions, read_jurisdictions, varieties
from equipment.errors import CatalogueError


def test_all_eight_kinds_have_varieties_of_a_known_kind() -> None:
    kinds = {kind.name for kind in load_catalogue().kinds}
    assert {v.kind for v in varieties().values()} == kinds
    assert {v.class_code for v in varieties().values()} == {f"{n}000" for n in (1, 2, 3, 4, 5, 6, 8, 9)}


def test_every_variety_stands_below_its_class_and_category() -> None:
    for variety in varieties().values():
        assert re.fullmatch(r"[1-9][0-9A-Z]{2}0", variety.code)
        assert variety.category_code in headings()
        assert variety.class_code in headings()
        assert variety.mark in MARKS


def test_every_category_can_be_registered_under_some_code() -> None:
    used = {variety.category_code for variety in varieties().values()}
    assert used == {code for code in headings() if not code.endswith("000")}


@pytest.mark.parametrize(
    ("code", "annex"),
    [
        ("3110", "A"),
        ("3130", "A"),
        ("3210", "B"),
        ("3430", "C"),
        ("3310", "D"),
        ("3420", "manufacturer"),
        ("1100", None),
    ],
)
def test_the_annex_of_the_checklist_follows_the_variety(code: str, annex: str | None) -> None:
    assert varieties()[code].annex == annex


def test_every_lift_and_escalator_has_a_checklist() -> None:
    assert all((v.annex is not None) == (v.class_code == "3000") for v in varieties().values())


def test_the_city_is_one_tree() -> None:
    found = jurisdictions()
    roots = [j for j in found.values() if j.parent is None]
    assert [root.id for root in roots] == ["341300"]
    order = ["city", "district", "office", "grid"]
    for j in found.values():
        assert j.path.endswith(f"/{j.id}/")
        if j.parent is not None:
            assert j.path.startswith(found[j.parent].path)
            assert order.index(j.kind) == order.index(found[j.parent].kind) + 1
        if j.kind in ("city", "district"):
            assert j.lon is not None
            assert j.lat is not None


def test_national_codes_are_only_those_of_gb2260() -> None:
    codes = {j.gb2260 for j in jurisdictions().values() if j.gb2260}
    assert codes == {"341300", "341302", "341321", "341322", "341323", "341324"}


@pytest.mark.parametrize(
    "entries",
    [
        [{"id": "b", "parent": "a"}],
        [{"id": "a"}, {"id": "a"}],
        [{"id": "a/b"}],
    ],
)
def test_a_broken_tree_is_refused(entries: list[dict[str, Any]]) -> None:
    filled = [{"kind": "city", "zh": "甲", "en": "A", "mark": "D", **entry} for entry in entries]
    with pytest.raises(CatalogueError):
        read_jurisdictions({"jurisdictions": filled})
