"""A report as a document: headings, paragraphs, tables and drawings, all of them text. Every rendering shows the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import Any

from dashboards.reports.errors import PeriodError

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading. Numbers stay numbers, so that a spreadsheet can add them; ``None`` never stands here: it is 未知."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered part."""

    title: str
    paragraphs: tuple[str, ...] = ()
    table: Table | None = None
    svg: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """To be stored and to be typeset."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Document:
        """As it was stored."""
        sections = tuple(
            Section(
                s["title"], tuple(s["paragraphs"]),
                Table(tuple(s["table"]["columns"]), tuple(tuple(r) for r in s["table"]["rows"])) if s["table"] else None,
                s["svg"],
            )
            for s in stored["sections"]
        )  # fmt: skip
        return cls(stored["title"], stored["subtitle"], tuple((a, b) for a, b in stored["facts"]), sections)


class ReportKind(Enum):
    """报告种类."""

    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """One month or one year of the city's calendar."""

    kind: ReportKind
    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        if self.kind is ReportKind.YEARLY:
            return date(self.first.year, 12, 31)
        return (self.first + timedelta(days=32)).replace(day=1) - timedelta(days=1)

    @property
    def zh(self) -> str:
        """2026 年 10 月, or 2026 年."""
        return f"{self.first.year} 年" + (f" {self.first.month} 月" if self.kind is ReportKind.MONTHLY else "")

    @property
    def stem(self) -> str:
        """Name of its files."""
        text = f"{self.first:%Y-%m}" if self.kind is ReportKind.MONTHLY else f"{self.first:%Y}"
        return f"teshe-{self.kind.value}-{text}"

    @classmethod
    def read(cls, kind: ReportKind, text: str) -> ReportPeriod:
        """From ``2026-10`` or ``2026``.

        Raises
        ------
        PeriodError
        """
        try:
            if kind is ReportKind.MONTHLY:
                year, month = text.split("-")
                return cls(kind, date(int(year), int(month), 1))
            return cls(kind, date(int(text), 1, 1))
        except ValueError:
            wanted = "2026-10" if kind is ReportKind.MONTHLY else "2026"
            raise PeriodError(f"{text!r} 不是报告期，请写成 {wanted} (write the period like {wanted})") from None

    @classmethod
    def before(cls, kind: ReportKind, day: date) -> ReportPeriod:
        """The newest period that is over on ``day``."""
        if kind is ReportKind.YEARLY:
            return cls(kind, date(day.year - 1, 1, 1))
        return cls(kind, (day.replace(day=1) - timedelta(days=1)).replace(day=1))
