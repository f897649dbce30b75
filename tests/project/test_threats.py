"""Every threat that docs/security.md names has a proof, and the proof exists."""

from __future__ import annotations

import re

from tests.project.test_documents import ROOT, definitions

PROOF = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")
SAFETY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def threats() -> dict[str, str]:
    """What is feared, and the cell that says what proves it is stopped."""
    rows = [
        line.strip("|").split(" | ") for line in SAFETY.splitlines() if line.startswith("| ") and "`TESHE_" not in line
    ]
    return {row[0].strip(): row[-1] for row in rows if row[0].strip() not in {"threat", "setting"}}


def test_every_threat_names_tests_that_exist() -> None:
    assert len(threats()) > 35
    for threat, cell in threats().items():
        named = PROOF.findall(cell)
        assert named, f"no proof: {threat}"
        for file, test in named:
            found = definitions(ROOT / file)
            assert test in found if test else any(name.startswith("test_") for name in found), (
                f"{threat}: {file}::{test}"
            )


def test_the_five_of_the_threat_model_have_a_table_each() -> None:
    for who in ("fabricating firm", "curious competitor", "stolen phone", "rogue terminal", "inside administrator"):
        assert re.search(rf"^## The {who}.*\n\n\| threat", SAFETY, re.MULTILINE), who
