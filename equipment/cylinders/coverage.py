"""气瓶质量安全追溯覆盖率: of how many cylinders the whole trace is on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import QUERIES
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection


@dataclass(frozen=True, slots=True)
class TraceCoverage:
    """Cylinders at the end of ``day``: all, those with a code, and those with a code and a whole trace."""

    day: date
    window_days: int
    cylinders: int
    coded: int
    traced: int

    @property
    def share(self) -> float | None:
        """traced ÷ cylinders; None when there are no cylinders (not zero, and not one)."""
        return self.traced / self.cylinders if self.cylinders else None


def trace_coverage(conn: Connection, day: date, settings: CylinderSettings | None = None) -> TraceCoverage:
    """追溯覆盖率 of the cylinders in the caller's scope (the system: all).

    Numerator: cylinders with a code of which every fill of the last N days (``trace_window_days``, ``day`` included)
    is traced. A fill is traced when its record names who filled and who checked, the gun or the scale, and the
    measurements of its medium's form (weighed: empty, full and net weight and the limit; by pressure: residual and
    final pressure). A fill that was refused and done all the same counts as untraced. A cylinder that was not filled
    in the window counts by its code alone.

    Denominator: all cylinders registered until the end of ``day``, except scrapped and lost ones.

    The state of a cylinder (scrapped, lost, coded) is today's also for an earlier ``day``: publish the figure on its
    day and keep it.

    Parameters
    ----------
    day
        A day of the city (Asia/Shanghai).
    """
    window = (settings or CylinderSettings()).trace_window_days
    end = datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
    row = conn.execute(QUERIES.coverage, (end - timedelta(days=window), end)).fetchone()
    cylinders, coded, traced = row or (0, 0, 0)
    return TraceCoverage(day, window, cylinders, coded, traced)
