"""What rollups must be, computed by brute force from everything that was ever stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from equipment.catalogue.model import Kind, SignalType
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from ingest.rollups.ddl import columns_of
from ingest.rollups.model import Level, rolled, table_of

Row = dict[str, Any]
Table = dict[tuple[int, datetime], Row]


@dataclass
class Oracle:
    """Remembers rows of a kind by key, also when the store has let them go."""

    kind: Kind
    rows: dict[tuple[Any, ...], Row] = field(default_factory=dict)

    def look(self, conn: Connection) -> None:
        """Take in what the store has now."""
        names = ["unit_no", "ts", "channel", "seq", "server_time", "flags", *(s.name for s in self.kind.signals)]
        query = f"select {', '.join(names)} from ingest.reading_{self.kind.name}"
        for values in conn.execute(query.encode()):
            row = dict(zip(names, values, strict=True))
            self.rows[row["unit_no"], row["ts"], row["channel"], row["seq"]] = row

    def rollup(self, level: Level) -> Table:
        """The rollup of every row with a usable clock."""
        groups: dict[tuple[int, datetime], list[Row]] = {}
        for key in sorted(self.rows):
            row = self.rows[key]
            if not row["flags"] & 2:
                groups.setdefault((row["unit_no"], bucket_of(row["ts"], level)), []).append(row)
        return {key: self._summary(rows) for key, rows in groups.items()}

    def _summary(self, rows: Sequence[Row]) -> Row:
        made: Row = {"samples": len(rows), "clock_shift": rows[-1]["server_time"] - rows[-1]["ts"]}
        for signal in rolled(self.kind):
            values = [row[signal.name] for row in rows if row[signal.name] is not None]
            made[f"{signal.name}_count"] = len(values)
            made[f"{signal.name}_last"] = values[-1] if values else None
            if signal.type is SignalType.BOOL:
                made[f"{signal.name}_true"] = int(np.sum(values)) if values else 0
                continue
            made[f"{signal.name}_min"] = min(values, default=None)
            made[f"{signal.name}_max"] = max(values, default=None)
            # as the column holds it, not as its shortest text reads
            held = np.array(values, dtype=np.float32 if signal.type is SignalType.FLOAT else np.int64)
            made[f"{signal.name}_sum"] = held.astype(np.float64).sum().item() if values else None
        return made


def bucket_of(at: datetime, level: Level) -> datetime:
    """The start of the bucket, days by the calendar of Shanghai."""
    local = at.astimezone(SHANGHAI)
    zero = {"microsecond": 0, "second": 0}
    match level:
        case Level.MINUTE:
            pass
        case Level.HOUR:
            zero |= {"minute": 0}
        case Level.DAY:
            zero |= {"minute": 0, "hour": 0}
    return local.replace(**zero).astimezone(at.tzinfo)  # type: ignore[arg-type]


def stored(conn: Connection, kind: Kind, level: Level) -> Table:
    """The rollup as the database has it."""
    names = [column.name for column in columns_of(kind)]
    query = f"select unit_no, bucket, {', '.join(names)} from {table_of(kind, level)}"
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in conn.execute(query.encode())}


def differences(expected: Mapping[Any, Row], found: Mapping[Any, Row]) -> Iterable[str]:
    """Where two tables are not equal; sums of floats may differ by their last digits."""
    for key in sorted(expected.keys() | found.keys()):
        if key not in found or key not in expected:
            yield f"{key} only in {'the oracle' if key in expected else 'the database'}"
            continue
        for name, value in expected[key].items():
            other = found[key][name]
            close = (
                name.endswith("_sum") and None not in (value, other) and abs(value - other) <= 1e-9 * abs(value) + 1e-9
            )
            if value != other and not close:
                yield f"{key} {name}: {value} expected, {other} found"
