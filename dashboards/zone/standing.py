"""链路时效: how old the other zone's news is, and in which words the desk says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from equipment.link import store


@dataclass(frozen=True, slots=True)
class Zones:
    """``warning`` None: the news is fresh. ``heard_at``: when the newest was made over there."""

    age_seconds: int
    heard_at: datetime
    warning: str | None


def look(conn: Connection, stale_seconds: float, now: datetime) -> Zones | None:
    """How old the other zone's news is; None when there is one installation."""
    found = store.standing(conn)
    if found is None:
        return None
    age = int(found.age_seconds(now))
    at = f"{found.heard_at.astimezone(SHANGHAI):%m-%d %H:%M:%S}"
    warning = None
    if found.problem:
        warning = f"摆渡包不能接收，{at} 起无外网数据：{found.problem}"
    elif age > stale_seconds:
        warning = f"已 {age // 60} 分 {age % 60:02d} 秒无外网数据（至 {at}）：设备报警和现场操作可能未到，以电话为准"
    return Zones(age, found.heard_at, warning)
