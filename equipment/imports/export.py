"""Units to a file with the columns of the import, so that the file taken back changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equipment.foundation.database import Connection
from equipment.foundation.tables import write_csv, write_xlsx
from equipment.imports.columns import PARAMETERS, columns, template_header, word_of
from equipment.imports.store import QUERIES

SHEET = "设备台账"
ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """Which units; an empty text is no condition."""

    kind: str = ""
    status: str = ""
    jurisdiction: str = ""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def cells_of(values: dict[str, Any]) -> list[str]:
    """One unit as the cells of a row, in the order of the template."""
    parameters = dict(values["parameters"] or {})
    single = {name: parameters.pop(name) for name in PARAMETERS if _number(parameters.get(name))}
    cells = []
    for column in columns().values():
        match column.kind:
            case "key":
                continue
            case "parameter":
                value = single.get(column.field)
                cells.append("" if value is None else repr(value))
            case "json":
                cells.append(json.dumps(parameters, ensure_ascii=False, sort_keys=True) if parameters else "")
            case "status":
                cells.append(word_of("statuses", values[column.field]))
            case "datum":
                cells.append(word_of("datums", values[column.field]) if values["lon"] is not None else "")
            case "degrees":
                cells.append("" if values[column.field] is None else repr(values[column.field]))
            case _:
                value = values[column.field]
                cells.append("" if value is None else str(value))
    return cells


def exported(conn: Connection, wanted: ExportFilter) -> Iterator[list[str]]:
    """Rows of all units that the caller may see, in the order of their number, a few thousand at a time."""
    after = 0
    while True:
        values = {
            "kind": wanted.kind, "status": wanted.status, "after": after, "limit": ROWS_AT_ONCE,
            "jurisdiction": f"/{wanted.jurisdiction}/" if wanted.jurisdiction else "",
        }  # fmt: skip
        with conn.cursor() as cursor:
            rows = cursor.execute(QUERIES.export_units, values).fetchall()
            names = [d.name for d in cursor.description or ()]
        for row in rows:
            yield cells_of(dict(zip(names, row, strict=True)))
        if len(rows) < ROWS_AT_ONCE:
            return
        after = rows[-1][0]


def write_units(conn: Connection, path: Path, wanted: ExportFilter) -> int:
    """Write the units to ``path`` (.csv or .xlsx); returns how many."""
    rows = exported(conn, wanted)
    if path.suffix == ".csv":
        return write_csv(path, template_header(), rows)
    return write_xlsx(path, template_header(), rows, SHEET)


def write_template(path: Path) -> None:
    """Write an empty file with the columns."""
    if path.suffix == ".csv":
        write_csv(path, template_header(), ())
    else:
        write_xlsx(path, template_header(), (), SHEET)
