"""A document as one HTML file that needs nothing else: to be opened from a folder, or printed, when nothing is there."""

from __future__ import annotations

from html import escape

from dashboards.reports.model import Document, Section

STYLE = """
body{font:14px/1.5 "PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;margin:16px;color:#111}
h1{font-size:22px;margin:0}h2{font-size:17px;margin:20px 0 6px}p{margin:4px 0}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:3px 6px;text-align:start;vertical-align:top}
thead{display:table-header-group}tr{break-inside:avoid}th{background:#eee}td:first-child{white-space:nowrap;font-weight:600}
#find{font-size:18px;padding:6px;width:20em;max-width:100%}@media print{#find,label{display:none}body{font-size:10pt;margin:0}}
"""
FIND = """
const box=document.getElementById("find");
box.addEventListener("input",()=>{const wanted=box.value.trim().toLowerCase();
for(const row of document.querySelectorAll("section:last-of-type tbody tr"))row.hidden=wanted!==""&&!row.textContent.toLowerCase().includes(wanted)});
"""
"""The only script: typing shows the rows that contain what was typed."""


def _section(section: Section) -> str:
    found = f"<section><h2>{escape(section.title)}</h2>" + "".join(f"<p>{escape(p)}</p>" for p in section.paragraphs)
    if section.table is not None:
        head = "".join(f"<th>{escape(c)}</th>" for c in section.table.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in row) + "</tr>" for row in section.table.rows
        )
        found += f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return found + "</section>"


def as_html(document: Document) -> str:
    """The whole file."""
    facts = "".join(f"<p><b>{escape(a)}</b> {escape(b)}</p>" for a, b in document.facts)
    return (
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{escape(document.title)} {escape(document.subtitle)}</title>'
        f"<style>{STYLE}</style><h1>{escape(document.title)}</h1><p>{escape(document.subtitle)}</p>{facts}"
        '<p><label>查找（识别码、地址、单位）<br><input id="find" autofocus></label></p>'
        f"{''.join(_section(s) for s in document.sections)}<script>{FIND}</script></html>"
    )
