"""Figures under definitions: what counts, which period, which denominator; stored, and made again to the same digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.indicators import wording
from dashboards.indicators.counting import judge, part_of_year, period_of
from dashboards.indicators.definitions import fatality_definition, fatality_definitions, read_definition
from dashboards.indicators.errors import NoExposureError, UnknownDefinitionError
from dashboards.indicators.facts import DataCut, Exposure, Facts, Focus, Place, ReferenceFigure
from dashboards.indicators.figures import Inputs, figure_of, printed_of, year_end
from dashboards.indicators.monitor import stated_prior, watch
from dashboards.indicators.standing import coverages, leading, movements
from equipment.accidents.model import Accident, AccidentLevel

CITY = Place("341300", "city", "宿州市", "Suzhou", "/341300/")
YONGQIAO = Place("341302", "district", "埇桥区", "Yongqiao", "/341300/341302/")
DANGSHAN = Place("341321", "district", "砀山县", "Dangshan", "/341300/341321/")
NOW = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)


def accident(number: int, day: date, deaths: int = 1, place: str = "341302", **changes: object) -> Accident:
    at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    plain = Accident(
        number, f"SG{day.year}-{number:04d}", None, None, "lift", place, at, at, AccidentLevel.GENERAL, deaths, 0, None, None,
        not changes.get("exclusion"), None, "", 0, None, 0, None, "open", None, {}, None, [], None, None, at,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def facts(accidents: Sequence[Accident] = (), units: int = 50_000, **changes: object) -> Facts:
    exposure = tuple(
        Exposure(
            p.path, "lift", y, units // 2, units // 50, units / 2 * (1 if y < 2026 else 181 / 365), units / 2, "test"
        )
        for p in (YONGQIAO, DANGSHAN)
        for y in range(2021, 2027)
    )
    plain = Facts(
        NOW, date(2026, 6, 30), DataCut(1, NOW, date(2026, 7, 1), 0.1), (CITY, YONGQIAO, DANGSHAN), exposure, {}, {},
        tuple(accidents), (ReferenceFigure("全国", 2024, "deaths", 114, "V", "x"), ReferenceFigure("全国", 2024, "units_10k", 2294.18, "V", "x")),
        {p.id: p.path for p in (CITY, YONGQIAO, DANGSHAN)},
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def printed(known: Facts, definition: str, year: int = 2026) -> str | None:
    return figure_of(known, Focus(CITY), fatality_definition(definition), year).printed


def test_published_figures_of_two_provinces_come_out() -> None:
    # 江苏 2020: 9 deaths, 219.78 万 registered: 0.041; 上海 2024: 5 deaths, 704,901 in use: 0.07
    assert fatality_definition("registered").printed(9, Fraction(2_197_800)) == "0.041"
    assert fatality_definition("in_use").printed(5, Fraction(704_901)) == "0.07"


def test_the_same_death_under_every_definition() -> None:
    one = facts([accident(1, date(2026, 3, 1))])
    assert printed(one, "in_use") == "0.40"  # half a year of 50,000
    assert printed(one, "provincial") == "0.192"  # 52,000 registered, to date, not annualised
    assert printed(one, "registered") == "0.388"
    assert printed(one, "rolling_12") == "0.200"
    assert printed(one, "mean_3y") == "0.080"
    assert printed(facts([accident(1, date(2025, 8, 1))]), "rolling_12") == "0.200"
    assert printed(facts([accident(1, date(2025, 8, 1))]), "in_use") == "0.00"


def test_what_counts_and_why_not() -> None:
    plain, related = fatality_definition("in_use"), fatality_definition("with_related")
    outside = accident(1, date(2026, 3, 1), counted=False, exclusion="outside_area", not_counted_reason="x")
    assert not judge(plain, outside).counted
    assert "第三条" in judge(plain, outside).zh
    assert judge(related, outside).counted
    assert not judge(related, replace(outside, exclusion="crime")).counted
    assert not judge(plain, accident(1, date(2026, 3, 1), level=AccidentLevel.BELOW)).counted
    assert not judge(plain, accident(1, date(2026, 3, 1), kind="pressure_pipe")).counted


def test_every_field_of_a_definition_changes_the_figure_or_its_text() -> None:
    known = facts(
        [
            accident(1, date(2026, 3, 1)),
            accident(2, date(2024, 5, 1)),
            accident(3, date(2026, 5, 1), counted=False, exclusion="outside_cause"),
        ],
        counts={("/341300/341302/", "gas_cylinder", "cylinders"): 900_000.0},
    )
    base = fatality_definition("in_use")
    changed = [
        replace(base, denominator="registered"), replace(base, excluded_kinds=("lift",)), replace(base, cylinders=True),
        replace(base, period="rolling_12"), replace(base, period="multi_year", years=3), replace(base, annualised=False),
        replace(base, exclusions_counted=("outside_cause",)), replace(base, minimum_level=AccidentLevel.LARGER), replace(base, decimals=3),
    ]  # fmt: skip
    first = figure_of(known, Focus(CITY), base, 2026).printed
    for other in changed:
        assert figure_of(known, Focus(CITY), other, 2026).printed != first, other


def test_a_stored_figure_is_made_again_to_the_same_digit() -> None:
    figure = figure_of(facts([accident(1, date(2026, 3, 1))]), Focus(CITY), fatality_definition("unit_years"), 2026)
    again = Inputs.from_json(figure.inputs.as_json())
    assert again == figure.inputs
    assert printed_of(read_definition(figure.definition.content()), again) == figure.printed


@given(st.integers(0, 200), st.integers(1, 10**8), st.sampled_from([d.id for d in fatality_definitions()]))
def test_printing_is_exact_and_scale_invariant(deaths: int, units: int, wanted: str) -> None:
    definition = fatality_definition(wanted)
    assert definition.printed(deaths, Fraction(units)) == definition.printed(deaths * 3, Fraction(units * 3))
    assert (
        abs(float(definition.printed(deaths, Fraction(units))) - deaths * 10_000 / units)
        <= 0.5 * 10**-definition.decimals + 1e-9
    )


def test_no_units_is_no_rate_and_no_death_is_one() -> None:
    nothing = figure_of(facts(units=0), Focus(CITY), fatality_definition("in_use"), 2026)
    assert (nothing.printed, nothing.statistics) == (None, None)
    assert year_end(nothing, 2026, date(2026, 6, 30), target=0.06) is None
    assert printed(facts(), "in_use") == "0.00"
    monitor = watch(facts(units=0), Focus(CITY), fatality_definition("in_use"))
    assert (monitor.cusum, monitor.funnel, monitor.dispersion) == (None, (), None)
    with pytest.raises(UnknownDefinitionError):
        fatality_definition("astrology")


def test_margin_is_of_the_whole_year() -> None:
    known = facts([accident(1, date(2026, 3, 1))], units=1_000_000)
    end = watch(known, Focus(CITY), fatality_definition("in_use")).year_end
    assert end is not None
    assert (end.whole_year, end.remaining, end.exceeded_by) == (6, 5, 0)
    assert 0 < (end.above or 0) < 1
    small = watch(facts([accident(1, date(2026, 3, 1))]), Focus(CITY), fatality_definition("in_use")).year_end
    assert small is not None
    assert (small.remaining, small.exceeded_by, small.above) == (0, 1, 1.0)


def test_parts_of_years_and_leap_days() -> None:
    assert part_of_year(2024, date(2024, 12, 31)) == 1
    assert part_of_year(2026, date(2025, 12, 31)) == 0
    rolling = fatality_definition("rolling_12")
    assert period_of(rolling, 2024, date(2024, 2, 29)).first == date(2023, 3, 1)
    assert period_of(rolling, 2026, date(2026, 6, 30)).first == date(2025, 7, 1)
    assert period_of(fatality_definition("mean_3y"), 2026, date(2026, 6, 30)).first == date(2024, 1, 1)


def test_the_monitor_of_a_city_with_five_accidents() -> None:
    days = [date(2022, 3, 1), date(2023, 2, 1), date(2024, 1, 9), date(2024, 12, 1), date(2026, 2, 2)]
    known = facts([accident(i, d, deaths=3 if i == 2 else 1) for i, d in enumerate(days)])
    monitor = watch(known, Focus(CITY), fatality_definition("in_use"))
    assert [f.deaths for f in monitor.years] == [1, 1, 4, 0, 1]
    assert monitor.clustering == pytest.approx(13 / 7)
    assert {p.place.id: p.deaths for p in monitor.funnel} == {"341302": 7, "341321": 0}
    assert monitor.t_chart.days == (337, 342, 327, 428)
    assert monitor.t_chart.open_days == 148
    assert monitor.cusum is not None
    assert len(monitor.cusum.months) == 60
    assert monitor.cusum.design.arl0 >= 120
    assert monitor.prior is not None
    assert monitor.prior.rate == pytest.approx(114 / 2294.18)
    texts = [
        wording.of_funnel(monitor.funnel), wording.of_cusum(monitor.cusum), wording.of_intervals(monitor.t_chart, "死亡事故之间", "fatal accidents"),
        wording.of_dispersion(monitor),
    ]  # fmt: skip
    assert all(t.zh and t.en and t.limits_zh and t.limits_en for t in texts)
    assert not any("允许死亡" in t.zh + t.limits_zh for t in texts)
    district = watch(known, Focus(DANGSHAN), fatality_definition("in_use"))
    assert district.main.deaths == 0
    assert watch(known, Focus(CITY, "crane"), fatality_definition("in_use")).main.printed is None


def test_without_reference_figures_there_is_no_prior_and_it_is_said() -> None:
    known = facts(reference=())
    assert stated_prior(known) is None
    assert watch(known, Focus(CITY), fatality_definition("in_use")).p_with_prior is None


def test_coverage_has_three_stages_and_unknown_is_not_zero() -> None:
    counts = {
        (YONGQIAO.path, "lift", f"stage.paperless.{s}"): n
        for s, n in ((-1, 5.0), (0, 10.0), (1, 20.0), (2, 30.0), (3, 40.0))
    }
    counts |= {
        (YONGQIAO.path, "lift", "moved.paperless.gained"): 7.0,
        (DANGSHAN.path, "lift", "moved.paperless.lost"): 2.0,
    }
    known = facts(counts=counts)
    found = {c.definition.id: c for c in coverages(known, Focus(CITY))}
    paper = found["paperless"]
    assert (paper.of, paper.connected, paper.enabled, paper.effective, paper.excluded) == (100, 90, 70, 40, 5)
    assert (paper.share, paper.met, paper.short) == (0.4, False, 40)
    assert (found["insurance"].share, found["insurance"].met) == (None, None)
    moved = next(m for m in movements(known, Focus(CITY)) if m.definition.id == "paperless")
    assert (moved.net, moved.mostly) == (5, (("341302", 7), ("341321", -2)))


def test_leading_figures_judge_the_running_month_by_its_days() -> None:
    months = {(YONGQIAO.path, "entrapments", date(2026 if m < 7 else 2025, m, 1)): 200.0 for m in range(1, 13)}
    months[(YONGQIAO.path, "serious_alarms", date(2025, 5, 1))] = 3.0  # the platform counted by then
    item = leading(facts(months=months), Focus(CITY))[0]
    assert item.months[-1] == date(2026, 6, 1)
    assert item.counts[-1] == 200
    assert item.elapsed == 1.0
    assert item.signals == (0,)  # 2025-06 had none at all: below the limit
    assert leading(facts(units=0), Focus(CITY)) == []
    assert (item.p_against_last or 0) > 0.9


def test_months_before_the_platform_counted_are_missing_and_not_zero() -> None:
    months = {(YONGQIAO.path, "entrapments", date(2026, m, 1)): 200.0 for m in (4, 5, 6)}
    entrapments, alarms = leading(facts(months=months), Focus(CITY))[:2]
    assert entrapments.months == alarms.months == (date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1))
    assert (entrapments.signals, alarms.counts) == ((), (0, 0, 0))
    # nothing was ever counted: only the running month can be spoken of
    only = leading(facts(months={}), Focus(CITY))[0]
    assert (len(only.months), only.p_against_last) == (1, None)
    assert "；。" not in wording.of_leading(only).zh


def test_a_missing_exposure_is_a_named_error() -> None:
    from dashboards.indicators.poisson import dispersion

    with pytest.raises(NoExposureError):
        dispersion([1, 2], [1.0, 0.0])


def test_the_prior_and_the_plain_answer_stand_side_by_side() -> None:
    known = facts([accident(1, date(2026, 3, 1))])
    monitor = watch(known, Focus(CITY), fatality_definition("in_use"))
    assert monitor.year_end is not None
    words = wording.ending(monitor.year_end, monitor.prior, monitor.above_with_prior)
    assert "距目标余量" in wording.margin(2, 0)[0]
    assert "Jeffreys" in words.zh
    assert "全国 2024 年" in words.zh
    assert NOW - timedelta(days=1) < known.known_at
