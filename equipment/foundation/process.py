"""Processes and loops: how they start, stop, fail and are seen to fail.

The only module with ``except Exception``: a loop that must never end silently and a piece that must be isolated.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TypeVar

from equipment.foundation import launcher, metrics
from equipment.foundation.clock import Clock
from equipment.foundation.errors import StartFailedError, WrongThreadError
from equipment.foundation.logs import get_logger

log = get_logger("foundation.process")
T = TypeVar("T")

failures = metrics.counter("teshe_loop_failures_total", "Exceptions that a loop survived", ("loop",))
isolated_failures = metrics.counter("teshe_isolated_failures_total", "Exceptions of isolated pieces", ("piece",))

FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 10.0
LOG_TAIL_BYTES = 4_000


class StopSignal:
    """Asked to stop: by a signal, or by whoever holds this object."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> StopSignal:
        """Stop on SIGINT and SIGTERM (main thread only)."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        self._event.set()

    def set(self) -> None:
        """Ask to stop."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether someone asked."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep at most ``seconds``, less if asked to stop; True when asked."""
        return self._event.wait(seconds)


def backoff_seconds(attempt: int) -> float:
    """How long to wait after the ``attempt``-th failure in a row (from 1) [s], with jitter, bounded."""
    longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(attempt - 1, 10))
    # jitter keeps many processes from coming back at one moment; nothing secret hangs on it
    return float(longest * (0.5 + random.random() / 2))  # noqa: S311


def run_loop(name: str, step: Callable[[], object], stop: StopSignal, *, interval_seconds: float) -> None:
    """Repeat ``step`` until asked to stop. A failure is logged, counted and followed by a growing pause."""
    attempt = 0
    while not stop.is_set:
        try:
            step()
            attempt = 0
            pause = interval_seconds
        except Exception:
            attempt += 1
            pause = backoff_seconds(attempt)
            failures.labels(name).inc()
            log.exception("loop_step_failed", loop=name, attempt=attempt, retry_in_seconds=round(pause, 2))
        stop.wait(pause)


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
) -> Child:
    """Start a process that ends with us, also when we are killed.

    Raises
    ------
    WrongThreadError
        Not in the main thread: the death signal would fire when this thread ends.
    """
    if threading.current_thread() is not threading.main_thread():
        raise WrongThreadError(f"start {name!r} from the main thread")
    log_path.parent.mkdir(parents=True, exist_ok=True)
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
class Supervisor:
    """Children started in order, stopped in reverse; a dead one is started again."""

    children: list[tuple[Child, Callable[[], Child] | None]] = field(default_factory=list)
    restarts: int = 0

    def add(self, start: Callable[[], Child], *, restart: bool) -> Child:
        """Start a child and look after it."""
        child = start()
        self.children.append((child, start if restart else None))
        return child

    def child(self, name: str) -> Child:
        """The present process of that name."""
        return next(child for child, _ in self.children if child.name == name)

    def check(self) -> list[str]:
        """Start dead children again; returns the names of those that were dead."""
        dead: list[str] = []
        for position, (child, start) in enumerate(self.children):
            if child.alive or start is None:
                continue
            dead.append(child.name)
            log.error("child_died", child=child.name, code=child.process.returncode, log=child.log_tail()[-1_000:])
            self.children[position] = (start(), start)
            self.restarts += 1
        return dead

    def stop(self, name: str, timeout_seconds: float = 20.0) -> None:
        """Stop one child and forget it."""
        for entry in [e for e in self.children if e[0].name == name]:
            entry[0].stop(timeout_seconds)
            self.children.remove(entry)

    def stop_all(self, timeout_seconds: float = 20.0) -> None:
        """Stop the rest in reverse order of their start."""
        for child, _ in reversed(self.children):
            child.stop(timeout_seconds)
        self.children.clear()
