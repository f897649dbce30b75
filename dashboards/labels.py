"""标签: the sheet of plates with QR codes that is printed, cut and stuck beside the hotline number in the car.

A4, three by five labels with cut lines, PDF/A-2b. The QR code leads to the public page of the plate; nothing personal is on it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import segno
import typst

from dashboards.errors import LabelError

TEMPLATE = Path(__file__).parent / "templates" / "labels.typ"
FONT_FOLDERS = (Path("/usr/share/fonts/opentype/noto"), Path(__file__).parent / "static" / "vendor" / "fonts")
FONT_FAMILIES = ("Noto Sans CJK SC", "Noto Sans SC")
MOST_LABELS = 1_500
"""A hundred sheets at once."""
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Label:
    """One plate: its six digits, where it belongs, and the address that its QR code carries."""

    plate: str
    name: str
    address: str


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _qr(content: str) -> str:
    # level Q: a quarter of it may be scratched
    return segno.make(content, error="q", micro=False).svg_inline(border=2)


def label_sheet(labels: Sequence[Label], hotline: str, city: str) -> bytes:
    """The sheets as PDF.

    Raises
    ------
    LabelError
        Nothing to print, too much at once, or no Chinese font on this machine.
    """
    if not labels:
        raise LabelError("没有带识别码的设备可打印 (no unit with a plate was chosen)")
    if len(labels) > MOST_LABELS:
        raise LabelError(f"一次最多打印 {MOST_LABELS} 张标签，请按区县筛选 (print fewer at once: choose a district)")
    rows = [{"plate": x.plate, "name": _short(x.name), "qr": _qr(x.address)} for x in labels]
    inputs = {"labels": json.dumps(rows), "hotline": hotline, "city": city, "families": json.dumps(FONT_FAMILIES)}
    return bytes(typst.compile(str(TEMPLATE), font_paths=chinese_fonts(), sys_inputs=inputs, pdf_standards="a-2b"))


@cache
def chinese_fonts() -> typst.Fonts:
    """The fonts of this machine, read once.

    Raises
    ------
    LabelError
        None of them has Chinese letters.
    """
    fonts = typst.Fonts(font_paths=[str(folder) for folder in FONT_FOLDERS if folder.is_dir()])
    if not set(FONT_FAMILIES) & set(fonts.families()):
        raise LabelError(
            "服务器缺少中文字体，请安装 fonts-noto-cjk (this server has no Chinese font: install fonts-noto-cjk)"
        )
    return fonts
