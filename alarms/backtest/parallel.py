"""Several processes replay parts of the units at once: rules of different units do not know each other."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait

import psycopg

from alarms.backtest.model import Replayed, Task
from alarms.backtest.replay import Progress, replay
from alarms.errors import AlarmsError, ReplayFailedError
from equipment.foundation.database import DatabaseRole, connect, translated
from equipment.foundation.errors import FoundationError

NICENESS = 10


@dataclass(frozen=True, slots=True)
class _Step:
    rows: int
    until: datetime
    days: float


@dataclass(frozen=True, slots=True)
class _Failure:
    error: str


def replay_all(url: str, parts: Sequence[Sequence[Task]], progress: Progress, *, patient: bool) -> Replayed:
    """Replay each part in a process of its own; one part alone is replayed here.

    Parameters
    ----------
    parts
        What each process does, one task after the other.
    patient
        The processes give way to everything else on the machine.

    Raises
    ------
    ReplayFailedError
        A process failed; the message is its own.
    """
    found = Replayed()
    if len(parts) == 1 and not patient:
        with (
            translated(),
            connect(url, DatabaseRole.SYSTEM, application_name="teshe-backtest", autocommit=True) as conn,
        ):
            for task in parts[0]:
                found.add(replay(conn, task, progress))
        return found
    context = multiprocessing.get_context("spawn")
    pipes: list[Pipe] = []
    processes = []
    for _ in parts:
        mine, its = context.Pipe()
        process = context.Process(target=_work, args=(url, its, patient), daemon=True)
        process.start()
        its.close()
        pipes.append(mine)
        processes.append(process)
    try:
        # after all have begun: each reads only when it has imported what it needs
        for pipe, tasks in zip(pipes, parts, strict=True):
            pipe.send(tuple(tasks))
        _collect(pipes, found, progress)
    finally:
        for process in processes:
            process.terminate()  # one that is done is gone already
            process.join()
    return found


def _collect(pipes: list[Pipe], found: Replayed, progress: Progress) -> None:
    left = list(pipes)
    while left:
        for pipe in wait(left):
            if not isinstance(pipe, Pipe):
                continue
            try:
                message = pipe.recv()
            except EOFError:
                raise ReplayFailedError("a process of the back-test ended without an answer") from None
            match message:
                case _Step(rows, until, days):
                    progress(rows, until, days)
                case _Failure(error):
                    raise ReplayFailedError(error)
                case Replayed():
                    found.add(message)
                    left.remove(pipe)


def _work(url: str, pipe: Pipe, patient: bool) -> None:  # positional over the process
    """What each process does. When whoever started it is gone, the next step finds the pipe closed and ends it."""
    if patient:
        os.nice(NICENESS)
    found = Replayed()
    tasks: Sequence[Task] = pipe.recv()
    try:
        with (
            translated(),
            connect(url, DatabaseRole.SYSTEM, application_name="teshe-backtest", autocommit=True) as conn,
        ):
            for task in tasks:
                found.add(replay(conn, task, lambda *step: pipe.send(_Step(*step))))
    except (FoundationError, AlarmsError, psycopg.Error) as error:
        pipe.send(_Failure(f"{type(error).__name__}: {error}"))
        return
    pipe.send(found)
