"""A database of these tests' own and a desk of real processes on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alarms.faults.plant import ANSWER_SECONDS, DeskPlant, desk_plant
from tests.ingest.faults.conftest import Mortal


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    made = Mortal(tmp_path_factory.mktemp("mortal"))
    yield made
    made.server.stop()


@pytest.fixture
def desk(mortal: Mortal, tmp_path: Path) -> Iterator[DeskPlant]:
    """Orders wait longer than a test takes."""
    with desk_plant(mortal.fresh(), tmp_path, 600) as made:
        yield made


@pytest.fixture
def hasty_desk(mortal: Mortal, tmp_path: Path) -> Iterator[DeskPlant]:
    """An order that nobody answers goes a level up within the test."""
    with desk_plant(mortal.fresh(), tmp_path, ANSWER_SECONDS) as made:
        yield made
