"""What findings amount to: points per record, shares per worker and firm. Pure; no grade or penalty follows from them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from maintenance.plausibility.catalogue import Catalogue
from maintenance.plausibility.model import Finding

FURTHER_SHARE = 0.5
TELLING = 3
"""A record of which fewer checks could be made says nothing either way."""
Z = 1.96


class Band(Enum):
    """What the score of a record means in words."""

    UNKNOWN = "unknown"
    """Too little could be looked at: that is not "plausible"."""
    PLAUSIBLE = "plausible"
    LOOK = "look"
    IMPLAUSIBLE = "implausible"


def score(findings: Iterable[Finding], catalogue: Catalogue) -> int:
    """Points of 0 to 100. Of one group the weightiest finding counts whole, each further one half.

    >>> from maintenance.plausibility.catalogue import catalogue
    >>> score([Finding("too_far", 45, {}), Finding("mock_declared", 40, {})], catalogue())
    65
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for finding in findings:
        known = catalogue.checks.get(finding.check)
        groups[known.group if known else finding.check].append(finding.weight)
    total = 0.0
    for weights in groups.values():
        first, *further = sorted(weights, key=abs, reverse=True)
        total += first + FURTHER_SHARE * sum(further)
    return max(0, min(100, round(total)))


def band(points: int, looked: int, catalogue: Catalogue) -> Band:
    """The word for a score; with fewer than three checks made and nothing found, unknown."""
    if points >= catalogue.counts.implausible:
        return Band.IMPLAUSIBLE
    if points >= catalogue.counts.look:
        return Band.LOOK
    return Band.UNKNOWN if looked < TELLING else Band.PLAUSIBLE


@dataclass(frozen=True, slots=True)
class Standing:
    """Of how many records that could be looked at, how many are implausible; the share with its 95 % interval (Wilson)."""

    records: int
    implausible: int
    mean: float
    low: float
    high: float


def standing(scores: Sequence[int], catalogue: Catalogue) -> Standing:
    """The standing of a worker or firm over its records; of none nothing is known (0 to 1).

    >>> from maintenance.plausibility.catalogue import catalogue
    >>> standing([80, 0, 0, 0], catalogue()).implausible
    1
    """
    n = len(scores)
    if not n:
        return Standing(0, 0, 0.0, 0.0, 1.0)
    hits = sum(s >= catalogue.counts.implausible for s in scores)
    share, z2 = hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Standing(n, hits, sum(scores) / n, max(0.0, middle - half), min(1.0, middle + half))
