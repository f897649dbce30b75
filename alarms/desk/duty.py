"""值守人员: whom the watchdog tells, in which words, and what it remembers while no database does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alarms.errors import AlarmsInputError, PagingError
from alarms.paging.adapters import Adapter, Gateway, Outgoing, deliver
from alarms.paging.sender import WAITS

CHANNELS = ("voice", "sms", "wecom", "dingtalk", "email")
"""Ways that need nothing of ours but this process. A firm's webhook and its page are for orders."""


@dataclass(frozen=True, slots=True)
class DutyAddress:
    """One way to somebody on duty."""

    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Page:
    """One thing to be said to one address. ``key`` is the same at each attempt; ``round`` 0: it is over."""

    key: str
    to: DutyAddress
    text: str
    attempt: int
    round: int


def read_addresses(texts: Sequence[str]) -> tuple[DutyAddress, ...]:
    """Addresses from the settings.

    Raises
    ------
    AlarmsInputError
        One is not channel:address.

    >>> read_addresses(["voice:05573000001"])
    (DutyAddress(channel='voice', address='05573000001'),)
    """
    found = []
    for text in texts:
        channel, colon, address = text.strip().partition(":")
        if channel not in CHANNELS or not colon or not address.strip():
            raise AlarmsInputError(
                f"TESHE_PAGING_DUTY 须为 通道:地址，通道为 {', '.join(CHANNELS)}，不是 {text!r} (channel:address)"
            )
        found.append(DutyAddress(channel, address.strip()))
    return tuple(dict.fromkeys(found))


def span_zh(span: timedelta) -> str:
    """``3 分 20 秒``."""
    whole = max(0, round(span.total_seconds()))
    return f"{whole // 60} 分 {whole % 60} 秒" if whole >= 60 else f"{whole} 秒"


def words(reason: str, span: timedelta, overdue: int, round_: int) -> str:
    """What is said: what stands still, since when, and what to do."""
    if round_ == 0:
        return (
            f"【96366】值守恢复：{reason}已恢复，中断 {span_zh(span)}。请核对期间的派单 (recovered: check the orders)"
        )
    waiting = f"，{overdue} 个时限未执行" if overdue else ""
    again = f"（第 {round_} 次通知）" if round_ > 1 else ""
    return (
        f"【96366】值守报警：{reason}，已 {span_zh(span)}{waiting}。请立即人工派单升级，并检查后台进程"
        f" (escalate by hand, look after teshe jobs){again}"
    )


def speak(ways: Mapping[str, Adapter], page: Page, now: datetime) -> str:
    """Say one thing; returns the provider's id.

    Raises
    ------
    PagingError
    """
    adapter = ways.get(page.to.channel)
    if adapter is None:
        raise PagingError(f"通道 {page.to.channel} 未配置 (the channel is not configured)")
    if isinstance(adapter, Gateway):
        adapter = replace(adapter, keys=None)  # no key answers it
    out = Outgoing(page.key, page.to.address, page.text, {"text": page.text}, page.attempt, now)
    return deliver(adapter, out)


def wait_after(attempt: int) -> int:
    """Seconds until the next attempt after the ``attempt``-th has failed (from 1)."""
    return WAITS[min(attempt, len(WAITS)) - 1]


@dataclass(slots=True)
class _Waiting:
    page: Page
    next_at: float
    done: bool = False


class Blackout:
    """The database cannot be read: nobody can know whether timers run, so people are told from memory.

    Times are those of a clock that never goes back [s]. Each process that watches tells by itself: it cannot ask the others.
    """

    REASON = "数据库无法读取，时限和派单状态不明 (the database cannot be read)"

    def __init__(self, addresses: Sequence[DutyAddress], allowed: float, repeat: float) -> None:
        self._addresses, self._allowed, self._repeat = addresses, allowed, repeat
        self._since: float | None = None
        self._name = ""
        self._round = 0
        self._told_at = 0.0
        self._heard: set[DutyAddress] = set()
        self._waiting: list[_Waiting] = []

    @property
    def since(self) -> float | None:
        """When it could be read last; None while it can."""
        return self._since

    def away(self, elapsed: float, now: datetime) -> None:
        """It cannot be read at this moment."""
        if self._since is None:
            self._since, self._name, self._round = elapsed, f"{now:%Y%m%dT%H%M%S}", 0
            self._heard.clear()
        dark = elapsed - self._since
        if dark >= self._allowed and (self._round == 0 or elapsed - self._told_at >= self._repeat):
            self._round += 1
            self._told_at = elapsed
            self._say(self._addresses, timedelta(seconds=dark), elapsed)

    def back(self, elapsed: float) -> None:
        """It can be read: whoever was told is told so, once."""
        if self._since is None:
            return
        dark, self._since, self._round = elapsed - self._since, None, 0
        self._say(sorted(self._heard, key=lambda a: (a.channel, a.address)), timedelta(seconds=dark), elapsed)
        self._heard.clear()

    def _say(self, addresses: Sequence[DutyAddress], dark: timedelta, elapsed: float) -> None:
        text = words(self.REASON, dark, 0, self._round)
        self._waiting = [
            _Waiting(
                Page(f"blackout:{self._name}:{self._round}:{a.channel}:{a.address}", a, text, 0, self._round), elapsed
            )
            for a in addresses
        ]

    def due(self, elapsed: float) -> list[Page]:
        """What is to be said now."""
        found = []
        for w in self._waiting:
            if not w.done and w.next_at <= elapsed:
                w.page = replace(w.page, attempt=w.page.attempt + 1)
                w.next_at = elapsed + wait_after(w.page.attempt)
                found.append(w.page)
        return found

    def said(self, page: Page) -> None:
        """It was taken."""
        for w in self._waiting:
            if w.page.key == page.key:
                w.done = True
        if page.round:
            self._heard.add(page.to)
