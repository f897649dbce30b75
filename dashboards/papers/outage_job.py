"""Writes the outage pack (停机应急包) into a folder once a day, so that it is there when nothing else is.

``FOLDER/2026-03-02/`` holds a PDF and an HTML file per district and an index; the folder appears whole or not at all.
"""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from html import escape
from pathlib import Path

from dashboards.papers import outage
from dashboards.papers.offline import as_html
from dashboards.reports.errors import NoChineseFontError
from dashboards.reports.render import as_pdf
from equipment.foundation import metrics
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from equipment.foundation.logs import get_logger

log = get_logger("dashboards.outage_pack")
written_at = metrics.gauge(
    "teshe_outage_pack_timestamp_seconds", "When the outage pack was last written [s since 1970]"
)
HOUR = 5
"""Of the city's day: before the day shift begins."""
KEEP_DAYS = 7
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class OutageJob:
    """Makes the pack of the day when it is due; the first one at once."""

    def __init__(self, folder: Path, hotline: str) -> None:
        self._folder = folder
        self._hotline = hotline

    def turn(self, conn: Connection, now: datetime) -> int:
        """Write the pack if it is due; returns how many files were written."""
        here = now.astimezone(SHANGHAI)
        day = here.strftime("%Y-%m-%d")
        if (self._folder / day).exists() or (here.hour < HOUR and self._packs()):
            return 0
        part = self._folder / f".{day}.part"
        if part.exists():
            shutil.rmtree(part)
        part.mkdir(parents=True, mode=0o750)
        with conn.transaction():
            found = outage.districts(conn)
            written = sum(self._write(conn, part, district, now) for district in found)
        links = "".join(
            f'<li><a href="{d.id}.html">{escape(d.zh)}</a> · <a href="{d.id}.pdf">PDF</a></li>' for d in found
        )
        index = f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>96366 停机应急包 {day}</title><h1>96366 停机应急包 {day}</h1><ul>{links}</ul></html>'
        (part / "index.html").write_text(index, "utf-8")
        part.rename(self._folder / day)
        written_at.set(now.timestamp())
        log.info("outage_pack_written", folder=str(self._folder / day), files=written + 1)
        self._forget(here)
        return written + 1

    def _write(self, conn: Connection, part: Path, district: outage.District, now: datetime) -> int:
        document = outage.compose(conn, district, self._hotline, now)
        (part / f"{district.id}.html").write_text(as_html(document), "utf-8")
        try:
            (part / f"{district.id}.pdf").write_bytes(as_pdf(document, now))
        except NoChineseFontError as error:
            log.error("outage_pack_without_pdf", district=district.id, error=str(error))
            return 1
        return 2

    def _packs(self) -> list[Path]:
        return [p for p in self._folder.iterdir() if DAY.fullmatch(p.name)] if self._folder.exists() else []

    def _forget(self, here: datetime) -> None:
        oldest = (here - timedelta(days=KEEP_DAYS)).strftime("%Y-%m-%d")
        for pack in self._packs():
            if pack.name < oldest:
                shutil.rmtree(pack)
