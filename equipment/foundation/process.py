"""Processes and loops: how they start, stop, fail and are seen to fail.

The only module with ``except Exception``: a loop that must never end silently and a piece that must be isolated.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Self, TypeVar

from equipment.foundation import launcher, metrics
from equipment.foundation.clock import Clock, SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect, translated
from equipment.foundation.errors import StartFailedError, UnknownChildError, WorldError, WrongThreadError
from equipment.foundation.logs import get_logger

log = get_logger("foundation.process")
T = TypeVar("T")

failures = metrics.counter("teshe_loop_failures_total", "Exceptions that a loop survived", ("loop",))
isolated_failures = metrics.counter("teshe_isolated_failures_total", "Exceptions of isolated pieces", ("piece",))
deaths = metrics.counter("teshe_child_deaths_total", "Supervised processes that ended unasked", ("child",))

FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 10.0
LOG_TAIL_BYTES = 4_000
LONGEST_LOG_BYTES = 32 * 1024 * 1024
HEALTHY_AFTER_SECONDS = 60.0
"""A child that ran this long is not failing repeatedly when it ends."""


class StopSignal:
    """Asked to stop: by a signal, or by whoever holds this object.

    Built on a pipe, not on ``threading.Event``: an event's lock is not reentrant, so a signal that arrives while the
    main thread is inside ``wait`` would stop the process for ever.
    """

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        weakref.finalize(self, _close_all, (self._read_end, self._write_end))
        self._asked = False
        self._looks = 0

    def listen(self) -> StopSignal:
        """Stop on SIGINT and SIGTERM (main thread only)."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        self.set()

    def set(self) -> None:
        """Ask to stop."""
        if not self._asked:
            self._asked = True
            os.write(self._write_end, b"!")

    @property
    def is_set(self) -> bool:
        """Whether someone asked."""
        self._looks += 1
        return self._asked

    @property
    def looks(self) -> int:
        """How often somebody has looked: a loop that turns makes it grow."""
        return self._looks

    def fileno(self) -> int:
        """A descriptor that becomes readable when someone asks, for a selector."""
        return self._read_end

    def wait(self, seconds: float) -> bool:
        """Sleep at most ``seconds``, less if asked to stop; True when asked."""
        poller = select.poll()
        poller.register(self._read_end, select.POLLIN)
        poller.poll(max(0.0, seconds) * 1_000)
        return self.is_set


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def backoff_seconds(attempt: int) -> float:
    """How long to wait after the ``attempt``-th failure in a row (from 1) [s], with jitter, bounded."""
    longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(attempt - 1, 10))
    # jitter keeps many processes from coming back at one moment; nothing secret hangs on it
    return float(longest * (0.5 + random.random() / 2))  # noqa: S311


class BackgroundWork(ABC):
    """Work that takes its time, on a thread and a connection of its own, so that the loop of the process never waits for it.

    It turns until it is stopped and never ends silently: a failure is logged, counted and followed by a growing pause and
    a new connection.

    Parameters
    ----------
    name
        Of the thread, of the connection and in the log.
    pause_seconds
        After a turn that found nothing to do [s].
    """

    def __init__(self, url: str, clock: Clock, name: str, pause_seconds: float) -> None:
        self._url = url
        self._clock = clock
        self._name = name
        self._pause_seconds = pause_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def turn(self, conn: Connection, now: datetime) -> int:
        """Do what is due; returns how much was done. ``conn`` commits by itself and has no transaction open."""

    def start(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def stop(self, seconds: float | None = 10.0) -> None:
        """Ask it to end, and wait for the turn that is under way, at most so long [s]; None: until it has ended.

        What was not committed is taken up again next time.
        """
        self._stopped.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        attempt = 0
        while not self._stopped.is_set():
            try:
                with (
                    translated(),
                    connect(
                        self._url, DatabaseRole.SYSTEM, application_name=f"teshe-{self._name}", autocommit=True
                    ) as conn,
                ):
                    while not self._stopped.is_set():
                        done = self.turn(conn, self._clock.now())
                        attempt = 0
                        self._stopped.wait(0 if done else self._pause_seconds)
            except Exception as error:
                attempt += 1
                failures.labels(self._name).inc()
                expected = isinstance(error, WorldError)
                log.error(
                    "background_failed", work=self._name, error=str(error), kind=type(error).__name__, attempt=attempt,
                    exc_info=not expected,
                )  # fmt: skip
                self._stopped.wait(backoff_seconds(attempt))


def isolated(piece: str, work: Callable[[], T], on_error: Callable[[Exception], T]) -> T:
    """Run ``work``; whatever it raises is logged, counted and handed to ``on_error``, whose result is returned."""
    try:
        return work()
    except Exception as error:
        isolated_failures.labels(piece).inc()
        log.exception("isolated_piece_failed", piece=piece)
        return on_error(error)


@dataclass(slots=True)
class Child:
    """One process of ours, in its own process group, that stops when we do."""

    name: str
    process: subprocess.Popen[bytes]
    log_path: Path
    stop_signal: signal.Signals

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def log_tail(self) -> str:
        """The end of what it wrote."""
        try:
            return self.log_path.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def stop(self, timeout_seconds: float = 20.0) -> int:
        """Ask it to stop, and end it if it does not; returns its exit code."""
        if self.alive:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                log.warning("child_killed", child=self.name, waited_seconds=timeout_seconds)
                with suppress(ProcessLookupError):  # it may have ended just now
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return self.process.returncode


def spawn(
    argv: Sequence[str],
    *,
    name: str,
    log_path: Path,
    env: Mapping[str, str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    namespace: bool = False,
    keep_open: Sequence[int] = (),
) -> Child:
    """Start a process that ends with us, also when we are killed.

    ``namespace`` shows the program "nobody" where we are root; ``keep_open`` are descriptors it inherits.

    Raises
    ------
    WrongThreadError
        Not in the main thread: the death signal would fire when this thread ends.
    """
    if threading.current_thread() is not threading.main_thread():
        raise WrongThreadError(f"start {name!r} from the main thread")
    log_path.parent.mkdir(parents=True, exist_ok=True)
    if log_path.exists() and log_path.stat().st_size > LONGEST_LOG_BYTES:
        log_path.replace(log_path.with_name(log_path.name + ".1"))
    mode = "namespace" if namespace else "same"
    command = [sys.executable, "-I", launcher.__file__, str(os.getpid()), str(int(stop_signal)), mode, "--", *argv]
    with log_path.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  # our own command lines
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            process_group=0,
            pass_fds=tuple(keep_open),
        )
    return Child(name, process, log_path, stop_signal)


def wait_until(
    ready: Callable[[], bool],
    child: Child,
    clock: Clock,
    *,
    timeout_seconds: float,
    what: str,
    poll_seconds: float = 0.05,
) -> None:
    """Wait for a child to become ready.

    Raises
    ------
    StartFailedError
        It ended, or it is not ready in time.
    """
    deadline = clock.monotonic() + timeout_seconds
    pause = threading.Event()
    while not ready():
        if not child.alive:
            raise StartFailedError(f"{what} ended with code {child.process.returncode}:\n{child.log_tail()}")
        if clock.monotonic() > deadline:
            raise StartFailedError(f"{what} is not ready after {timeout_seconds:g} s:\n{child.log_tail()}")
        pause.wait(poll_seconds)


@dataclass(slots=True)
class _Supervised:
    """One child under supervision: how to start it again, and how that has gone."""

    child: Child
    start: Callable[[], Child] | None
    started_at: float
    failures: int = 0
    next_attempt_at: float = 0.0
    reported: int | None = None


class Supervisor:
    """Children started in order and stopped in reverse; a dead one is started again after a growing pause."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._entries: list[_Supervised] = []
        self.restarts = 0

    def add(self, start: Callable[[], Child], *, restart: bool) -> Child:
        """Start a child and look after it; one without ``restart`` is only reported when it dies."""
        child = start()
        self._entries.append(_Supervised(child, start if restart else None, self._clock.monotonic()))
        return child

    def child(self, name: str) -> Child:
        """The present process of that name.

        Raises
        ------
        UnknownChildError
            None was added under it.
        """
        for entry in self._entries:
            if entry.child.name == name:
                return entry.child
        raise UnknownChildError(f"no child is named {name!r}")

    def check(self) -> list[str]:
        """Look at every child and start dead ones again when their pause is over; returns the names of the dead.

        A restart that fails is a failure of that child, not of the caller: it is logged and tried again later.
        """
        dead = [entry for entry in self._entries if not entry.child.alive]
        for entry in dead:
            self._report(entry)
            if entry.start is not None and self._clock.monotonic() >= entry.next_attempt_at:
                self._restart(entry, entry.start)
        return [entry.child.name for entry in dead]

    def _report(self, entry: _Supervised) -> None:
        child = entry.child
        if entry.reported == child.pid:
            return
        entry.reported = child.pid
        now = self._clock.monotonic()
        entry.failures = 1 if now - entry.started_at >= HEALTHY_AFTER_SECONDS else entry.failures + 1
        # the first time at once: one death is an accident, several are a fault that restarting does not repair
        entry.next_attempt_at = now if entry.failures == 1 else now + backoff_seconds(entry.failures)
        deaths.labels(child.name).inc()
        log.error(
            "child_died",
            child=child.name,
            code=child.process.returncode,
            restarts=entry.start is not None,
            log=child.log_tail()[-1_000:],
        )

    def _restart(self, entry: _Supervised, start: Callable[[], Child]) -> None:
        entry.started_at = self._clock.monotonic()
        try:
            entry.child = start()
        except Exception:
            entry.failures += 1
            pause = backoff_seconds(entry.failures)
            entry.next_attempt_at = entry.started_at + pause
            failures.labels(f"start:{entry.child.name}").inc()
            log.exception("child_restart_failed", child=entry.child.name, retry_in_seconds=round(pause, 2))
            return
        entry.reported = None
        self.restarts += 1

    def stop(self, name: str, timeout_seconds: float = 20.0) -> None:
        """Stop one child and forget it."""
        for entry in [e for e in self._entries if e.child.name == name]:
            entry.child.stop(timeout_seconds)
            self._entries.remove(entry)

    def stop_all(self, timeout_seconds: float = 20.0) -> None:
        """Stop the rest in reverse order of their start."""
        while self._entries:
            self._entries[-1].child.stop(timeout_seconds)
            self._entries.pop()
