"""Channels without a provider: what was sent is kept, repetitions are told apart by key as a provider does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from alarms.errors import PagingError
from alarms.paging.adapters import Adapter, Outgoing

CHANNELS = ("voice", "sms", "wecom", "dingtalk", "webhook", "email", "page")


@dataclass
class FakeChannel:
    """One channel. ``failures``: how many of the next deliveries do not go; ``lost``: they go, but we die before we know."""

    failures: int = 0
    deliveries: list[Outgoing] = field(default_factory=list)
    heard: dict[str, Outgoing] = field(default_factory=dict)
    hung_up: list[str] = field(default_factory=list)

    def send(self, out: Outgoing) -> str:
        """Keep it; the same key again is the same notification."""
        self.deliveries.append(out)
        if self.failures:
            self.failures -= 1
            raise PagingError("fake: no line")
        self.heard.setdefault(out.key, out)
        return f"fake-{out.key}"

    def hang_up(self, provider_id: str, now: datetime) -> None:
        """Note it."""
        self.hung_up.append(provider_id)


def fake_adapters() -> tuple[dict[str, Adapter], dict[str, FakeChannel]]:
    """All channels, as adapters and as what they are."""
    made = {name: FakeChannel() for name in CHANNELS}
    return dict(made), made
