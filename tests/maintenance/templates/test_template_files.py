"""Items of a manufacturer from a table or YAML: the same items, or every mistake by row and column."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from equipment.foundation.tables import write_xlsx
from maintenance.checklists.catalogue import annex_list
from maintenance.errors import TemplateError
from maintenance.templates import model
from maintenance.templates.model import COLUMNS, EXAMPLES, Template


def test_a_table_and_yaml_give_the_same_items_and_they_survive_the_store(tmp_path: Path) -> None:
    model.write_example(tmp_path / "items.xlsx")
    rows = [dict(zip(COLUMNS, example, strict=True)) for example in EXAMPLES]
    (tmp_path / "items.yaml").write_text(yaml.safe_dump({"items": rows}, allow_unicode=True), encoding="utf-8")
    found = model.read(tmp_path / "items.xlsx", as_yaml=False)
    assert model.read(tmp_path / "items.yaml", as_yaml=True) == found
    assert [i.id for i in found] == ["X-01", "X-02", "X-03"]
    assert found[1].prescribed_test
    assert found[2].measure is not None
    assert found[2].measure.high == 300
    assert not found[2].measure.holds(301)
    assert found[2].condition_zh
    assert model.restored(model.stored(found)) == found


def test_levels_are_cumulative_and_the_standard_stays_below(tmp_path: Path) -> None:
    model.write_example(tmp_path / "items.xlsx")
    made = Template(7, "甲厂", 2, "3110", "", "说明书", model.read(tmp_path / "items.xlsx", as_yaml=False))
    alone = made.added_to(None)
    assert [len(alone.checklist(level).items) for level in ("half_month", "quarter", "year", "on_demand")] == [
        1,
        2,
        3,
        1,
    ]
    assert (alone.key, alone.template) == ("T7", "甲厂 第2版")
    standard = annex_list("3110")
    assert standard is not None
    both = made.added_to(standard)
    assert both.key == "A+T7"
    assert set(standard.checklist("year").items) < set(both.checklist("year").items)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (("A-1-01", "半月", "机房", "x", "y"), "编号"),
        (("x 1", "半月", "机房", "x", "y"), "编号"),
        (("X-1", "每周", "机房", "x", "y"), "级别"),
        (("X-1", "半月", "厨房", "x", "y"), "部位"),
        (("X-1", "半月", "机房", "", "y"), "项目"),
        (("X-1", "半月", "机房", "x", "y", "", "", "", "也许"), "试验"),
        (("X-1", "半月", "机房", "x", "y", "mm", "5", "3"), "下限"),
        (("X-1", "半月", "机房", "x", "y", "", "5"), "单位"),
        (("X-1", "半月", "机房", "x", "y", "mm"), "单位"),
        (("X-1", "半月", "机房", "x", "y", "mm", "很小"), "下限"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(tmp_path: Path, row: tuple[str, ...], column: str) -> None:
    write_xlsx(tmp_path / "bad.xlsx", COLUMNS, [EXAMPLES[0], row + ("",) * (len(COLUMNS) - len(row))], "x")
    with pytest.raises(TemplateError, match=f"第 2 项 {column}"):
        model.read(tmp_path / "bad.xlsx", as_yaml=False)


@pytest.mark.parametrize("text", ["", "just words", "items: 3", "- [1]", "a: [", "items:\n- 编号: X-1\n  项: x"])
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError):
        model.read(tmp_path / "bad.yaml", as_yaml=True)


def test_an_item_twice_is_refused(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "bad.xlsx", COLUMNS, [EXAMPLES[0], EXAMPLES[0]], "x")
    with pytest.raises(TemplateError, match="X-01 重复"):
        model.read(tmp_path / "bad.xlsx", as_yaml=False)
