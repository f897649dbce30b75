"""The design's own rules: contrast, one set of tokens, nothing inline, nothing from another host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboards.rendering import STATIC_FOLDER, TEMPLATE_FOLDER

TOKENS = (STATIC_FOLDER / "css" / "tokens.css").read_text(encoding="utf-8")
BLOCK = re.compile(r":root[^{]*\{([^}]*)\}")
COLOUR = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})")
INKS = ("ink", "ink-2", "ink-3", "act", "critical", "high", "medium", "low", "unknown")
LEAST = 4.5


def themes() -> dict[str, dict[str, str]]:
    """Colours by token for light and for both dark blocks."""
    blocks = [dict(COLOUR.findall(body)) for body in BLOCK.findall(TOKENS)]
    coloured = [block for block in blocks if "ground" in block]
    light, dark_by_system, dark_by_switch = coloured
    return {
        "light": light,
        "dark by system": {**light, **dark_by_system},
        "dark by switch": {**light, **dark_by_switch},
    }


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", themes())
@pytest.mark.parametrize("ground", ["surface", "ground", "hover", "selected"])
@pytest.mark.parametrize("ink", INKS)
def test_text_stands_out_from_its_ground(theme: str, ground: str, ink: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[ink], colours[ground]) >= LEAST


@pytest.mark.parametrize("theme", themes())
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("act-ink", "act"),
        ("act-ink", "act-hover"),
        ("critical-ink", "critical"),
        ("critical", "critical-tint"),
        ("high", "high-tint"),
        ("medium", "medium-tint"),
        ("low", "low-tint"),
    ],
)
def test_badges_and_buttons_stand_out(theme: str, ink: str, ground: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[ink], colours[ground]) >= LEAST


def test_both_dark_themes_are_the_same() -> None:
    found = themes()
    assert found["dark by system"] == found["dark by switch"]


def test_raw_colours_live_in_the_tokens_only() -> None:
    for path in STATIC_FOLDER.glob("css/*.css"):
        if path.name != "tokens.css":
            text = re.sub(r"@media print \{.*", "", path.read_text(encoding="utf-8"), flags=re.S)
            assert re.findall(r"#[0-9a-fA-F]{3,8}\b", text) == [], path.name


def own_files() -> list[Path]:
    scripts = [*STATIC_FOLDER.glob("js/*.js"), *STATIC_FOLDER.glob("css/*.css")]
    return [*TEMPLATE_FOLDER.rglob("*.html"), *scripts]


@pytest.mark.parametrize("path", own_files(), ids=lambda p: p.name)
def test_nothing_is_asked_of_another_host(path: Path) -> None:
    assert re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", list(TEMPLATE_FOLDER.rglob("*.html")), ids=lambda p: p.name)
def test_templates_carry_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""\s(?:style|on[a-z]+)\s*=\s*["']""", text)
    assert "<style" not in text
    for tag in re.findall(r"<script[^>]*>", text):
        assert 'type="application/json"' in tag or " src=" in tag


def test_priorities_differ_by_shape_and_not_by_colour_alone() -> None:
    text = (TEMPLATE_FOLDER / "components" / "ui.html").read_text(encoding="utf-8")
    shapes = dict(re.findall(r'"(critical|high|medium|low|unknown)": "(M[^"]+)"', text))
    assert len(shapes) == len(set(shapes.values())) == 5
