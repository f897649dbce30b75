"""A document as PDF (PDF/A-2b) and as XLSX."""

from __future__ import annotations

import io
import json
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import typst
import xlsxwriter

from dashboards.reports.errors import NoChineseFontError
from dashboards.reports.model import Document, Section
from dashboards.reports.settings import ReportSettings

FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC")
MODULES = Path(__file__).parents[2] / "deploy" / "browser" / "node_modules" / "@expo-google-fonts" / "noto-sans-sc"
SHEET_NAME = 31
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


@lru_cache(maxsize=4)
def chinese_font(folder: Path | None) -> tuple[str, typst.Fonts]:
    """A Chinese font of the system, of ``folder``, or of the browser libraries.

    Raises
    ------
    NoChineseFontError
    """
    fonts = typst.Fonts(font_paths=[p for p in (folder, MODULES) if p is not None and p.is_dir()])
    there = set(fonts.families())
    for wanted in FONTS:
        if wanted in there:
            return wanted, fonts
    raise NoChineseFontError(
        "没有中文字体，无法生成 PDF：请安装 fonts-noto-cjk，或用 TESHE_FONT_FOLDER 指定含 Noto Sans SC 的目录"
        " (no Chinese font: install fonts-noto-cjk or name a folder)"
    )


def as_pdf(document: Document, made_at: datetime) -> bytes:
    """PDF/A-2b, for keeping; the same document and moment give the same bytes.

    Raises
    ------
    NoChineseFontError
    """
    font, fonts = chinese_font(ReportSettings().font_folder)
    source = (files("dashboards.reports") / "report.typ").read_bytes()
    inputs = {"document": json.dumps(document.as_json(), ensure_ascii=False), "font": font}
    compiler = typst.Compiler(source, font_paths=fonts, sys_inputs=inputs)
    made = compiler.compile(format="pdf", pdf_standards="a-2b", timestamp=int(made_at.timestamp()))
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made


def as_xlsx(document: Document, made_at: datetime) -> bytes:
    """A sheet for the facts and sentences, and one per table; numbers are numbers."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": f"{document.title} {document.subtitle}", "created": made_at.replace(tzinfo=None)})
    bold, head = book.add_format({"bold": True}), book.add_format({"bold": True, "bg_color": "#eaedef", "border": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    first = book.add_worksheet("概要")
    first.set_column(0, 0, 14)
    first.set_column(1, 1, 100)
    first.write(0, 0, f"{document.title} {document.subtitle}", bold)
    line = 2
    for label, text in document.facts:
        first.write(line, 0, label)
        first.write(line, 1, text, wrap)
        line += 1
    for section in document.sections:
        first.write(line + 1, 0, section.title, bold)
        line += 2
        for text in section.paragraphs:
            first.write(line, 1, text, wrap)
            line += 1
    for section in document.sections:
        if section.table is not None:
            _sheet(book, section, head)
    book.close()
    return buffer.getvalue()


def _sheet(book: xlsxwriter.Workbook, section: Section, head: object) -> None:
    if section.table is None:
        return
    sheet = book.add_worksheet(section.title.translate(FORBIDDEN)[:SHEET_NAME])
    sheet.freeze_panes(1, 0)
    for column, text in enumerate(section.table.columns):
        wide = max([len(text), *(len(str(row[column])) for row in section.table.rows)])
        sheet.set_column(column, column, min(60, wide * 1.8 + 2))
        sheet.write(0, column, text, head)
    for number, row in enumerate(section.table.rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, column, cell)
            else:
                sheet.write_number(number, column, cell)
