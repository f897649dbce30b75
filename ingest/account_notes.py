"""The account per unit and hour, without a write per sample: a batch leaves one packed note, the upkeep folds them.

The note is written in the transaction of its batch, so the counters are exact and survive every restart. What cannot be
told apart by unit (unknown units, unreadable topics, what the broker repeated while it was pending) is counted under
unit 0, so that the units of an hour add up to its total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from equipment.foundation.database import Connection, load_queries
from ingest.model import Decoded, Flag, Quarantined, Reason, Rows, Tally
from ingest.sequence import Counter, Gap, count

QUERIES = load_queries(__file__, "account_notes.sql")
NOTES_AT_ONCE = 2_000
OUTCOMES = ("received", "stored", "duplicates", "quarantined", "redelivered", "late", "unusable")
"""Columns of a note after the unit, in this order."""
SEQ = np.dtype([("unit_no", "<i4"), ("seq", "<i8"), ("at_us", "<i8")])
HOUR_US = 3_600_000_000
NOBODY = 0
FROM_COLUMNS = (Reason.CONFLICTING, Reason.TOO_OLD)
"""Reasons that are found after decoding: their samples are among the decoded columns."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one batch. ``refused``: what really went into quarantine; ``begun``: units with a new session."""

    decoded: Decoded
    stored: Rows
    refused: Sequence[Quarantined]
    tallies: Mapping[int, Tally]
    begun: Sequence[int]


def leave(conn: Connection, outcome: Outcome, now: datetime) -> None:
    """Write the note of a batch, inside the transaction that stores it."""
    counts = unit_counts(outcome)
    if len(counts) or outcome.begun:
        sessions = np.array(outcome.begun, dtype="<i4")
        note = (now, counts.astype("<i4").tobytes(), _seqs(outcome).tobytes(), sessions.tobytes())
        conn.execute(QUERIES.insert_note, note)


def unit_counts(outcome: Outcome) -> Counts:
    """One row per unit: its number and the outcomes of its samples; the last row may be unit 0."""
    units, place = _units_of(outcome)
    table = np.zeros((len(units) + 1, len(OUTCOMES)), dtype=np.int64)
    received, stored, duplicates, quarantined, redelivered, late, unusable = table.T
    repeats = np.zeros(len(table), dtype=np.int64)
    for columns in outcome.decoded.rows.values():
        at = place(columns.unit_no)
        np.add.at(received, at, 1)
        np.add.at(repeats, at, columns.redelivery.astype(np.int64))
    for columns in outcome.stored.values():
        at = place(columns.unit_no)
        np.add.at(stored, at, 1)
        np.add.at(repeats, at, -columns.redelivery.astype(np.int64))
        np.add.at(late, at, (columns.flags & Flag.LATE.value) != 0)
        np.add.at(unusable, at, (columns.flags & Flag.CLOCK_UNUSABLE.value) != 0)
    for refused in outcome.refused:
        at_one = place(np.array([refused.unit_no or NOBODY]))
        quarantined[at_one] += refused.samples
        if refused.reason in FROM_COLUMNS:
            repeats[at_one] -= int(refused.message.dup)
        else:
            received[at_one] += refused.samples
    redelivered += repeats
    duplicates += received - stored - quarantined - redelivered
    _add_rest(table, outcome.tallies)
    numbered = np.column_stack([np.append(units, NOBODY), table])
    return numbered[numbered[:, 1:].any(axis=1)]


def _units_of(outcome: Outcome) -> tuple[Counts, Callable[[npt.NDArray[np.integer]], npt.NDArray[np.intp]]]:
    """Every unit that the batch names, ascending, and the row of each in a table; the row after the last is unit 0."""
    arrays = [columns.unit_no.astype(np.int64) for columns in outcome.decoded.rows.values()]
    named = [q.unit_no for q in outcome.refused if q.unit_no]
    units = np.unique(np.concatenate([*arrays, np.array(named, dtype=np.int64)]))

    def place(numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
        index = np.searchsorted(units, numbers)
        index[numbers == NOBODY] = len(units)
        return index

    return units, place


def _add_rest(table: Counts, tallies: Mapping[int, Tally]) -> None:
    """What the batch's account has beyond its units goes to nobody, so that both add up."""
    whole = [sum(getattr(tally, name) for tally in tallies.values()) for name in ("received", *OUTCOMES[1:6])]
    table[-1, :6] += np.array(whole, dtype=np.int64) - table[:, :6].sum(axis=0)


def _seqs(outcome: Outcome) -> npt.NDArray[np.void]:
    """Sequence numbers that came with a unit, in order of arrival per kind; a hash that stands in for one is none."""
    parts = []
    for columns in outcome.decoded.rows.values():
        own = np.flatnonzero(columns.seq != columns.content)
        part = np.empty(len(own), dtype=SEQ)
        part["unit_no"], part["seq"], part["at_us"] = columns.unit_no[own], columns.seq[own], columns.server_us[own]
        parts.append(part)
    refused = [
        # a sample cannot have been taken after it arrived
        (q.unit_no, q.seq, min(q.ts_us, round(q.message.received_at.timestamp() * 1_000_000)))
        for q in outcome.refused
        if q.unit_no and q.seq is not None and q.ts_us is not None and q.reason not in FROM_COLUMNS
    ]
    parts.append(np.array(refused, dtype=SEQ))
    return np.concatenate(parts)


def fold(conn: Connection) -> int:
    """Add the notes that are there to the counters; returns how many. ``conn`` has no transaction open."""
    done = 0
    while True:
        with conn.transaction():
            conn.execute(QUERIES.take_turn)
            notes = conn.execute(QUERIES.take_notes, (NOTES_AT_ONCE,)).fetchall()
            if notes:
                _add_counts(conn, [(at_us // HOUR_US, counts) for at_us, counts, _, _ in notes])
                _add_seqs(conn, notes)
        done += len(notes)
        if len(notes) < NOTES_AT_ONCE:
            return done


def _add_counts(conn: Connection, notes: Iterable[tuple[int, bytes]]) -> None:
    tables = []
    for hour, packed in notes:
        counts = np.frombuffer(packed, dtype="<i4").reshape(-1, len(OUTCOMES) + 1).astype(np.int64)
        tables.append(np.column_stack([np.full(len(counts), hour), counts]))
    if tables:
        rows = np.concatenate(tables)
        conn.execute(QUERIES.add_unit_hours, _summed(rows, 2))
        conn.execute(QUERIES.add_hours, _summed(np.delete(rows, 1, axis=1), 1))


def _summed(rows: Counts, keys: int) -> list[list[int]]:
    """Columns of the rows with their values summed per key."""
    unique, inverse = np.unique(rows[:, :keys], axis=0, return_inverse=True)
    values = np.zeros((len(unique), rows.shape[1] - keys), dtype=np.int64)
    np.add.at(values, inverse.reshape(-1), rows[:, keys:])
    return [column.tolist() for column in np.column_stack([unique, values]).T]


Note = tuple[int, bytes, bytes, bytes]


def _add_seqs(conn: Connection, notes: Sequence[Note]) -> None:
    parts = [
        (at_us, np.frombuffer(seqs, dtype=SEQ), np.frombuffer(begun, dtype="<i4")) for at_us, _, seqs, begun in notes
    ]
    units = np.unique(np.concatenate([a["unit_no"] for _, a, _ in parts] + [b for _, _, b in parts])).tolist()
    if not units:
        return
    counters = _load(conn, units)
    gapped = {unit: list(counter.gaps) for unit, counter in counters.items()}
    for at_us, arrived, begun in parts:
        for unit in begun.tolist():
            if unit in counters:
                counters[unit].session_is_new = True
        for unit, seq, sample_us in arrived.tolist():
            counters[unit] = count(counters.get(unit), seq, sample_us, at_us)
    _save(conn, counters, [unit for unit, c in counters.items() if c.gaps != gapped.get(unit, [])])


def _load(conn: Connection, units: list[int]) -> dict[int, Counter]:
    found = {row[0]: Counter(*row[1:]) for row in conn.execute(QUERIES.counters, (units,))}
    for unit, *gap in conn.execute(QUERIES.gaps, (units,)):
        found[unit].gaps.append(Gap(*gap))
    return found


def _save(conn: Connection, counters: Mapping[int, Counter], changed: Sequence[int]) -> None:
    rows = [
        (unit, c.highest, c.highest_us, c.restarts, c.filled, c.forgotten, c.session_is_new)
        for unit, c in counters.items()
    ]
    if rows:
        conn.execute(QUERIES.save_counters, [list(column) for column in zip(*rows, strict=True)])
    if changed:
        conn.execute(QUERIES.delete_gaps, (list(changed),))
    gaps = [(u, g.first, g.last, g.noticed_us, g.before_us, g.after_us) for u in changed for g in counters[u].gaps]
    if gaps:
        conn.execute(QUERIES.insert_gaps, [list(column) for column in zip(*gaps, strict=True)])
