"""Replays stored samples through the rule engine: the same fold as the worker's, in order of arrival.

Live, timers are looked at every 200 ms. Here delays need no ticks, because the fold fires them at their own deadlines;
silence does: whoever is silent for long enough must be looked at before he speaks again. So the stream of samples is
cut into slices, and before each return from silence timers run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from alarms.backtest.model import Replayed, Task, WouldBe
from alarms.backtest.reading import chosen, columns_of, copy_rows, needed_by, table_of
from alarms.engine.fold import fold, tick
from alarms.engine.state import NORMAL, SECOND_US, KindState, empty_state
from alarms.engine.telling import Guard, Transition
from alarms.errors import BacktestError
from alarms.rules.model import Rule
from equipment.catalogue.load import load_catalogue
from equipment.foundation.database import Connection
from equipment.foundation.process import isolated
from ingest.decode import to_us
from ingest.model import Columns

Slots = npt.NDArray[np.intp]
Times = npt.NDArray[np.int64]
FIRST_WINDOW = timedelta(hours=1)
SHORTEST_WINDOW = timedelta(minutes=10)
LONGEST_WINDOW = timedelta(days=1)
WINDOW_ROWS = 1_000_000
"""Samples that are read at once, about."""
SLICE_ROWS = 60_000
REACH_US = 60 * SECOND_US
"""A sample that came later than this after a newer one of its unit is not judged again by the live engine either."""
Progress = Callable[[int, datetime, float], None]
"""Is told of each window: how many samples it had, where it ends, how long it was [d]."""


def replay(conn: Connection, task: Task, progress: Progress) -> Replayed:
    """Judge the stored samples of a task.

    Parameters
    ----------
    conn
        Under the system role; reads only.

    Raises
    ------
    BacktestError
        The kind has no readings.
    """
    kind = load_catalogue().kind(task.kind)
    if kind is None or not kind.signals:
        raise BacktestError(f"{task.kind}: no measured kind has that name")
    run = _Run(task, empty_state(kind, task.rules, task.units, dict(task.limits)))
    needed, numbers = needed_by(kind, task.rules), [unit.no for unit in task.units]
    conn.execute("set jit = off")  # compiling costs more than it saves on these plans
    waiting: Columns | None = None
    for begin, end in _windows(task, run):
        began = time.perf_counter()
        rows = copy_rows(conn, needed, numbers, begin, end)
        read = time.perf_counter()
        columns = columns_of(conn, needed, table_of(needed, rows), begin, end)
        last = end >= task.period.end
        arrived, waiting = _arrived(columns, waiting, None if last else to_us(end))
        parsed = time.perf_counter()
        run.take(arrived)
        run.found.rows += len(columns)
        run.found.reading_seconds += read - began
        run.found.parsing_seconds += parsed - read
        run.found.folding_seconds += time.perf_counter() - parsed
        run.window_rows = len(columns)
        progress(len(columns), end, (end - begin).total_seconds() / 86_400)
    run.tick(to_us(task.period.end))
    return run.found


def _windows(task: Task, run: _Run) -> Iterator[tuple[datetime, datetime]]:
    """Spans of device time, each inside one day in UTC (a partition), as long as memory allows."""
    begin, length = task.period.begin, FIRST_WINDOW
    while begin < task.period.end:
        day_end = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        end = min(begin + length, day_end, task.period.end)
        yield begin, end
        per_second = run.window_rows / (end - begin).total_seconds()
        wanted = timedelta(seconds=WINDOW_ROWS / per_second) if per_second else LONGEST_WINDOW
        length = min(max(wanted, SHORTEST_WINDOW), LONGEST_WINDOW)
        begin = end


def _arrived(columns: Columns, waiting: Columns | None, until_us: int | None) -> tuple[Columns, Columns | None]:
    """What had arrived by ``until_us``, with what had waited for it; and what arrives later."""
    if waiting is not None and len(waiting):
        columns = _joined(waiting, columns)
    if until_us is None:
        return columns, None
    later = columns.received_us >= until_us
    if not later.any():
        return columns, None
    return chosen(columns, np.flatnonzero(~later)), chosen(columns, np.flatnonzero(later))


def _joined(one: Columns, other: Columns) -> Columns:
    def both(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.concatenate([a, b])

    joined = chosen(other, np.arange(len(other)))
    for name in ("unit_no", "seq", "server_us", "received_us", "flags", "code_bits", "codes_valid"):
        setattr(joined, name, both(getattr(one, name), getattr(other, name)))
    for name in ("values", "valid", "unknown"):
        mine, others = getattr(one, name), getattr(other, name)
        setattr(joined, name, {signal: both(mine[signal], others[signal]) for signal in others})
    return joined


@dataclass(slots=True)
class _Order:
    """Samples of a window in order of arrival: a reordered one beside the newer sample that it belongs before."""

    index: Slots
    arrived_us: Times
    passed_over: int


def order_of(unit_no: npt.NDArray[np.int32], server_us: Times, received_us: Times) -> _Order:
    """The order in which samples are judged, without those that came too late to be.

    >>> unit, second = np.array([1, 1, 1], dtype=np.int32), 1_000_000
    >>> order_of(unit, np.array([20, 10, 30]) * second, np.array([20, 25, 30]) * second).index.tolist()
    [0, 1, 2]
    >>> order_of(unit, np.array([20, 10, 30]) * second, np.array([20, 95, 30]) * second).passed_over
    1
    """
    index = np.lexsort((server_us, received_us))
    arrived = received_us[index]
    grouped = index[np.argsort(unit_no[index], kind="stable")]
    units, server = unit_no[grouped], server_us[grouped]
    behind = (units[1:] == units[:-1]) & (server[1:] < server[:-1])
    if not behind.any():
        return _Order(index, arrived, 0)
    effective = received_us.copy()
    lost = np.zeros(len(unit_no), dtype=np.bool_)
    for unit in np.unique(units[1:][behind]):
        mine = grouped[units == unit]
        newest = np.maximum.accumulate(server_us[mine])
        for place in np.flatnonzero(server_us[mine] < newest):
            first = int(np.searchsorted(newest, server_us[mine[place]], side="right"))
            effective[mine[place]] = received_us[mine[first]]
            lost[mine[place]] = received_us[mine[place]] - received_us[mine[first]] > REACH_US
    index = np.lexsort((server_us, effective))
    index = index[~lost[index]]
    return _Order(index, effective[index], int(lost.sum()))


class _Run:
    """The state of one task, and what it has found."""

    def __init__(self, task: Task, state: KindState) -> None:
        self.found = Replayed()
        self.window_rows = 0
        self._state = state
        self._open: dict[tuple[str, int, int], WouldBe] = {}
        self._guard = Guard(_isolated, self._failed)
        self._slots = state.fixed.slot_of
        silences = [(row, rule.silence) for row, rule in enumerate(state.rules) if rule.silence is not None]
        self._quiet_us = min((int(s.seconds * SECOND_US) for _, s in silences if s.of is None), default=0)
        self._awaited = [(row, int(s.seconds * SECOND_US)) for row, s in silences if s.of is not None]
        self._heard = np.zeros(state.size, dtype=np.int64)

    def take(self, columns: Columns) -> None:
        """Judge what has arrived, in slices."""
        order = order_of(columns.unit_no, columns.server_us, columns.received_us)
        self.found.passed_over += order.passed_over
        if not len(order.index):
            return
        returns, arrived = self._returns(columns), order.arrived_us
        start, count, passed = 0, len(order.index), 0
        while start < count:
            first = int(arrived[start])
            following = int(np.searchsorted(returns, first))
            if following > passed or self._deadline(first) is not None:
                passed = following
                self.tick(first - 1)
            end = min(start + SLICE_ROWS, count)
            points = [int(returns[following])] if following < len(returns) else []
            awaited = self._deadline(int(arrived[end - 1]))
            points += [] if awaited is None else [awaited]
            if points:
                end = min(end, max(start + 1, int(np.searchsorted(arrived, min(points), side="right"))))
            self._state, told = fold(
                self._state, chosen(columns, order.index[start:end]), int(arrived[end - 1]), self._guard
            )
            self._note(told)
            start = end

    def _deadline(self, before_us: int) -> int | None:
        """When the first rule that waits for something to come runs out, as far as is known now; None: not before."""
        found: list[int] = []
        for row, longest in self._awaited:
            since = self._state.arrays["since_us"][row]
            waiting = (since > 0) & (self._state.arrays["phase"][row] == NORMAL) & self._state.fixed.watched[row]
            due = since[waiting] + longest
            found += due[due < before_us].tolist()
        return min(found, default=None)

    def _returns(self, columns: Columns) -> Times:
        """Moments before which timers must run: each lies between the deadline of a silence and its end."""
        order = np.lexsort((columns.received_us, columns.unit_no))
        slots, at = self._slots[columns.unit_no[order]], columns.received_us[order]
        before = np.empty_like(at)
        before[1:] = at[:-1]
        first = np.concatenate([[True], slots[1:] != slots[:-1]])
        before[first] = self._heard[slots[first]]
        last = np.flatnonzero(np.concatenate([first[1:], [True]]))
        np.maximum.at(self._heard, slots[last], at[last])
        if not self._quiet_us:
            return np.empty(0, dtype=np.int64)
        gaps = np.flatnonzero((before > 0) & (at - before > self._quiet_us))
        begins, ends = before[gaps] + self._quiet_us, at[gaps] - 1
        points: list[int] = []
        for place in np.argsort(ends, kind="stable"):
            if not points or begins[place] > points[-1]:
                points.append(int(ends[place]))
        return np.array(points, dtype=np.int64)

    def tick(self, until_us: int) -> None:
        """Let timers run."""
        self._note(tick(self._state, until_us, self._guard)[1])

    def _note(self, told: list[Transition]) -> None:
        for t in told:
            key = (t.rule.key, t.unit_no, t.started_us)
            if t.event == "raised":
                alarm = WouldBe(
                    t.rule.id, t.unit_no, t.started_us, t.at_us, t.severity.value, t.suppressed, t.late
                )  # fmt: skip
                self._open[key] = alarm
                self.found.alarms.append(alarm)
            elif t.event == "cleared" and key in self._open:
                self._open.pop(key).cleared_us = t.at_us

    def _failed(self, rule: Rule, _: Exception) -> None:
        self.found.failures[rule.id] = self.found.failures.get(rule.id, 0) + 1


def _isolated(work: Callable[[], None]) -> Exception | None:
    failed: list[Exception] = []
    isolated("rule", work, failed.append)
    return failed[0] if failed else None
