"""A document of a bureau as PDF/A: the same document and moment give the same bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import typst

from dashboards.papers.compose import OrderPaper
from dashboards.reports.render import chinese_font
from dashboards.reports.settings import ReportSettings

TEMPLATE = Path(__file__).parents[1] / "templates" / "order.typ"


def order_pdf(paper: OrderPaper, made_at: datetime) -> bytes:
    """文书 with its 送达回证 on a sheet of its own.

    Raises
    ------
    NoChineseFontError
    """
    font, fonts = chinese_font(ReportSettings().font_folder)
    inputs = {"document": json.dumps(asdict(paper), ensure_ascii=False), "font": font}
    compiler = typst.Compiler(TEMPLATE.read_bytes(), font_paths=fonts, sys_inputs=inputs)
    made = compiler.compile(format="pdf", pdf_standards="a-2b", timestamp=int(made_at.timestamp()))
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made
