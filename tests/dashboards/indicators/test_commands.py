"""``teshe indicator`` prints what it promises."""

import json

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
