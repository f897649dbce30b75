"""``teshe indicator`` prints what it promises."""

import json

import pytest
from typer.testing import CliRunner

from dashboards.indicators.commands import app


def run(*arguments: str) -> dict[str, float]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, float] = json.loads(result.stdout)
    return found


def test_fatality_as_json() -> None:
    found = run("fatality", "--deaths", "1", "--units", "50000", "--years", "2")
    assert found["rate_per_10k"] == 0.1
    assert found["allowed_deaths"] == 0
    assert {"ci95_low", "ci95_high", "p_at_or_below_target", "allowed_remaining"} <= set(found)


def test_fatality_for_people_never_speaks_of_allowed_deaths() -> None:
    for deaths, units in (("0", "50000"), ("3", "2000"), ("100", "50000000"), ("1", "50000")):
        text = CliRunner().invoke(app, ["fatality", "--deaths", deaths, "--units", units]).stdout
        assert "允许死亡" not in text
        assert "目标" in text


def test_no_units_is_an_answer_not_a_number() -> None:
    result = CliRunner().invoke(app, ["fatality", "--deaths", "0", "--units", "0", "--json"])
    assert result.exit_code == 2
    assert "没有台数" in result.output


def test_cusum_commands() -> None:
    design = run("cusum-design", "--in-control", "0.05", "--out-of-control", "0.1", "--exposure", "5", "--arl0", "100")
    assert set(design) == {"k", "h", "arl0", "arl1"}
    arl = run("cusum-arl", "--k", repr(design["k"]), "--h", repr(design["h"]), "--mean", "0.25")
    assert arl["arl"] == design["arl0"]
    assert round(run("cusum-arl", "--k", "0.25", "--h", "10", "--mean", "0.25", "--head-start", "5")["arl"]) == 333


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fatality", "--deaths", "-1", "--units", "5"), "件数"),
        (("fatality", "--deaths", "0", "--units", "inf"), "有限"),
        (("fatality", "--deaths", "0", "--units", "1e308", "--years", "1e308"), "有限"),
        (("fatality", "--deaths", "0", "--units", "5", "--target", "-1"), "目标"),
        (("fatality", "--deaths", "0", "--units", "5", "--years", "0"), "没有台数或时间"),
        (("cusum-arl", "--k", "1", "--h", "1e9", "--mean", "1"), "4096"),
        (("cusum-arl", "--k", "1", "--h", "2", "--mean", "1", "--head-start", "2"), "起始值"),
        (("cusum-arl", "--k", "0", "--h", "2", "--mean", "1"), "k 和 h"),
        (("cusum-design", "--in-control", "2", "--out-of-control", "1", "--exposure", "1", "--arl0", "9"), "失控水平"),
        (("cusum-design", "--in-control", "1", "--out-of-control", "2", "--exposure", "0", "--arl0", "9"), "暴露量"),
    ],
)
def test_what_cannot_be_is_refused_in_words(arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 2
    assert said in result.output


def test_large_means_are_answered_at_once() -> None:
    assert run("cusum-arl", "--k", "0.25", "--h", "10", "--mean", "1e6")["arl"] == 1.0
    assert run("fatality", "--deaths", "0", "--units", "12.5", "--years", "0.5")["rate_per_10k"] == 0
