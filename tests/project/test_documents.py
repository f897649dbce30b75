"""What the documents name exists: files, functions, settings, commands, links."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from click import Group
from typer.main import get_command

from dashboards.commands import app
from tests.project.test_deployment import KNOWN_SETTINGS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(p.relative_to(ROOT)) for p in DOCUMENTS]
FILE = re.compile(
    r"`((?:equipment|ingest|alarms|maintenance|dashboards|tests|scripts|deploy|docs)/[\w./-]*[\w/]|compose\.yaml)`"
)
ROW = re.compile(r"`((?:equipment|ingest|alarms|maintenance|dashboards)/[\w/]+\.py)` `(\w+)`")
SETTING = re.compile(r"\bTESHE_[A-Z][A-Z_]*[A-Z]\b")
COMMAND = re.compile(r"`teshe ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
OF_THE_TESTS = {"TESHE_REQUIRE", "TESHE_TEST_DATABASE_URL", "TESHE_TEST_TIMESCALE_URL"}
OF_THE_BROKER = {"TESHE_NODE", "TESHE_DATABASE_PASSWORD", "TESHE_WEB_DATABASE_PASSWORD"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_files_and_links_exist(name: str) -> None:
    text = text_of(name)
    missing = [f for f in FILE.findall(text) if "<" not in f and "NNNN" not in f and not (ROOT / f).exists()]
    missing += [link for link in LINK.findall(text) if not ((ROOT / name).parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_settings_exist(name: str) -> None:
    assert set(SETTING.findall(text_of(name))) - KNOWN_SETTINGS - OF_THE_TESTS - OF_THE_BROKER == set()


def walk(command: Any, words: list[str]) -> bool:
    """Whether the words lead to a command; words after one are its arguments."""
    if not isinstance(command, Group) or not words:
        return True
    found = command.commands.get(words[0])
    return found is not None and walk(found, words[1:])


@pytest.mark.parametrize("name", NAMES)
def test_commands_exist(name: str) -> None:
    command = get_command(app)
    assert [c for c in COMMAND.findall(text_of(name)) if not walk(command, c.split())] == []


def definitions(file: Path) -> set[str]:
    """Names of functions, classes, methods and constants of a module."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {t.id for t in targets if isinstance(t, ast.Name)}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_functions_that_a_document_sends_the_reader_to_exist(name: str) -> None:
    missing = [(f, n) for f, n in ROW.findall(text_of(name)) if n not in definitions(ROOT / f)]
    assert missing == []


def test_the_reading_guide_follows_the_whole_way() -> None:
    files = [f for f, _ in ROW.findall(text_of("docs/reading-guide.md"))]
    assert [
        p for p in ("ingest", "alarms", "maintenance", "dashboards") if not any(f.startswith(p) for f in files)
    ] == []
