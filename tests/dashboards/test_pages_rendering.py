"""Templates and filters: times of the city, unknown is never hidden, text is never markup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jinja2
import pytest

from dashboards.rendering import Frame, Renderer, duration_text, exact

NOW = datetime(2026, 11, 23, 6, 3, 27, tzinfo=UTC)
"""14:03:27 in Suzhou."""


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def shown(renderer: Renderer, source: str, language: str = "zh-CN", **values: object) -> str:
    """A piece of a template as a page would show it."""
    renderer.environment.globals.pop("piece", None)
    loader = renderer.environment.loader
    renderer.environment.loader = jinja2.ChoiceLoader([jinja2.DictLoader({"piece.html": source}), loader])  # type: ignore[list-item]
    try:
        renderer.environment.cache.clear()  # type: ignore[union-attr]
        return renderer.render("piece.html", Frame(now=NOW, language=language), **values)
    finally:
        renderer.environment.loader = loader


def test_a_time_of_today_shows_the_clock_of_the_city_and_its_source(renderer: Renderer) -> None:
    text = shown(renderer, "{{ t|time('设备时间') }}", t=NOW - timedelta(minutes=1))
    assert ">14:02:27<" in text
    assert 'title="2026-11-23 14:02:27 UTC+8 · 设备时间"' in text


def test_an_older_time_carries_its_date(renderer: Renderer) -> None:
    assert ">11-22 14:03:27<" in shown(renderer, "{{ t|time }}", t=NOW - timedelta(days=1))
    assert ">2025-11-23 14:03<" in shown(renderer, "{{ t|time }}", t=NOW - timedelta(days=365))


def test_a_running_clock_speaks_as_the_desk_does(renderer: Renderer) -> None:
    assert ">已 12 分<" in shown(renderer, "{{ t|since }}", t=NOW - timedelta(minutes=12, seconds=40))
    assert ">for 12 min<" in shown(renderer, "{{ t|since }}", "en", t=NOW - timedelta(minutes=12))


@pytest.mark.parametrize(
    ("left", "words", "kind"),
    [
        (timedelta(minutes=17, seconds=5), "剩 17 分 05 秒", 'class="clock"'),
        (timedelta(minutes=9), "剩 9 分 00 秒", "clock near"),
        (timedelta(minutes=-3), "超 3 分 00 秒", "clock over"),
    ],
)
def test_a_deadline_counts_down_and_then_over(renderer: Renderer, left: timedelta, words: str, kind: str) -> None:
    text = shown(renderer, "{{ t|until }}", t=NOW + left)
    assert words in text
    assert kind in text


def test_exact_keeps_milliseconds() -> None:
    assert exact(NOW.replace(microsecond=120_000)) == "2026-11-23 14:03:27.120 UTC+8"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59, "59 s"), (3600, "1 h 00 min"), (172_800, "2 days")])
def test_durations(seconds: int, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


def test_a_code_without_a_word_is_shown_hatched_and_not_hidden(renderer: Renderer) -> None:
    text = shown(renderer, "{{ 'martian'|word('unit_kind') }}{{ none|word('unit_kind') }}")
    assert text.count('class="unknown"') == 2
    assert "martian" in text


def test_names_are_text_and_never_markup(renderer: Renderer) -> None:
    hostile = "<script>alert(1)</script>"
    text = shown(
        renderer,
        '{% import "components/ui.html" as ui %}{{ ui.facts([("k", n)]) }}{{ ui.tag(n) }}{{ {"a": n}|tojson }}',
        n=hostile,
    )
    assert "<script>" not in text


def test_a_missing_name_is_an_error(renderer: Renderer) -> None:
    with pytest.raises(jinja2.UndefinedError):
        shown(renderer, "{{ nobody_gave_this }}")


def test_an_empty_list_says_how_fresh_it_is(renderer: Renderer) -> None:
    text = shown(
        renderer, '{% import "components/ui.html" as ui %}{{ ui.state("empty", _("No open incidents"), frame.now) }}'
    )
    assert "没有进行中的事件" in text
    assert "数据更新于" in text
    assert "14:03:27" in text


def test_five_states_have_five_faces(renderer: Renderer) -> None:
    source = '{% import "components/ui.html" as ui %}{% for k in kinds %}{{ ui.state(k, "x") }}|{% endfor %}'
    faces = shown(renderer, source, kinds=["empty", "loading", "stale-data", "forbidden", "broken"]).split("|")[:5]
    assert len({face.split("<svg")[1] for face in faces}) == 5


def test_changing_a_filter_returns_to_the_first_page() -> None:
    frame = Frame(now=NOW, path="/units", query=(("q", "银河"), ("page", "3")))
    assert frame.with_query(kind="lift") == "/units?q=%E9%93%B6%E6%B2%B3&kind=lift"
    assert frame.with_query(page=4) == "/units?q=%E9%93%B6%E6%B2%B3&page=4"
    assert frame.with_query(q=None) == "/units"
