"""维保记录列表: what is asked for in its address, the same for the page and for the file."""

from __future__ import annotations

from datetime import date

from fastapi import Request

from dashboards.pages.reads import filters

EVERY = {"state": "", "level": "", "unit": "", "since": "", "until": ""}
"""Filters of the list of records, none of them set."""


def wanted(request: Request) -> dict[str, str]:
    """The filters of an address; a day that is none filters nothing."""
    found = filters(request, *EVERY)
    return found | {name: _day(found[name]) for name in ("since", "until")}


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""
