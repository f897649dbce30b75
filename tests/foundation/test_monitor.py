"""What an operator's monitoring sees of worker and jobs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from equipment.foundation import metrics
from equipment.foundation.clock import ManualClock
from equipment.foundation.monitor import STUCK_SECONDS, Pulse, monitored
from equipment.foundation.ports import free_port
from equipment.foundation.process import StopSignal


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_loop_that_turns_is_healthy_and_one_that_stands_still_is_not(clock: ManualClock) -> None:
    stop = StopSignal()
    with monitored("127.0.0.1", free_port(), stop, clock) as port:
        assert get(port, "/healthz")[0] == 200
        clock.advance(STUCK_SECONDS + 1)
        status, body = get(port, "/healthz")
        assert (status, json.loads(body)["status"]) == (503, "stuck")
        assert not stop.is_set
        assert get(port, "/healthz")[0] == 200


def test_waiting_counts_as_turning(clock: ManualClock) -> None:
    stop = StopSignal()
    pulse = Pulse(stop, clock)
    clock.advance(100)
    stop.wait(0)
    assert pulse.age_seconds() == 0


def test_counters_are_shown_and_nothing_else_is(clock: ManualClock) -> None:
    metrics.counter("teshe_test_things_total", "Things").inc(3)
    with monitored("127.0.0.1", free_port(), StopSignal(), clock) as port:
        assert "teshe_test_things_total 3.0" in get(port, "/metrics")[1]
        assert get(port, "/")[0] == 404


def test_port_zero_serves_nothing(clock: ManualClock) -> None:
    with monitored("127.0.0.1", 0, StopSignal(), clock) as port:
        assert port == 0
    with pytest.raises(OSError, match="refused"):
        get(1, "/metrics")
