"""可下载文件: what may be handed to a telephone or another program by a link, and what its route asks for.

A test compares every row with the route it names.
"""

from __future__ import annotations

import re
from functools import cache

from equipment.access.links import Download, plain

FILES: tuple[tuple[str, str, str], ...] = (
    ("/api/v1/records/{record_id}/bundle", "bundle", "record.view"),
    ("/api/v1/units/{unit_id}/bundle", "bundle", "record.view"),
    ("/api/v1/units/{unit_id}/records.pdf", "pdf", "record.view"),
    ("/api/v1/units/{unit_id}/photos/{sha256}", "photo", "record.view"),
    ("/api/v1/documents/{document_id}/pdf", "pdf", "hazard.view"),
    ("/api/v1/hazards/export", "export", "hazard.view"),
    ("/api/v1/hazards/{hazard_id}/files/{file_id}", "photo", "hazard.view"),
    ("/api/v1/extracts/{extract_id}", "bundle", "evidence.extract"),
    ("/api/v1/exports/units.{kind}", "export", "unit.export"),
    ("/api/v1/imports/{job}/report.csv", "export", "unit.import"),
    ("/api/v1/cylinders/export.csv", "export", "cylinder.view"),
    ("/api/v1/fills/export.csv", "export", "cylinder.view"),
    ("/labels.pdf", "pdf", "unit.label"),
    ("/statistics/pdf", "pdf", "statistics.view"),
    ("/statistics/xlsx", "export", "statistics.view"),
    ("/outage/pdf", "pdf", "outage_pack.view"),
    ("/outage/xlsx", "export", "outage_pack.view"),
    ("/shift/{number:int}/pdf", "pdf", "shift.view"),
    ("/board/reports/{number}/pdf", "pdf", "board.view"),
    ("/board/reports/{number}/xlsx", "export", "board.view"),
)
"""Route, purpose, action."""


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    def pattern(route: str) -> re.Pattern[str]:
        parts = re.split(r"\{[^}]*\}", route)
        return re.compile("[^/]+".join(re.escape(part) for part in parts))

    return tuple((pattern(route), purpose, action) for route, purpose, action in FILES)


def download(path: str, query: str) -> Download | None:
    """The file at an address; None: no file that is handed over.

    >>> download("/labels.pdf", "q=a&link=x").address
    '/labels.pdf?q=a'
    """
    for pattern, purpose, action in _patterns():
        if pattern.fullmatch(path):
            return Download(plain(path, query), purpose, action)
    return None
