from __future__ import annotations

from collections.abc import Iterator

import pytest

from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.maintenance.office import Office
from tests.platform import Platform, platform_over


@pytest.fixture
def platform(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        yield made


@pytest.fixture
def office(platform: Platform) -> Office:
    return Office(platform)
