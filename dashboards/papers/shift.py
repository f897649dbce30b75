"""交接班报告: what the next shift must know, from what stands in the database; kept by value when it is handed over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from alarms.statistics.model import Nature
from dashboards.errors import BadRequestError
from dashboards.papers.outage import QUERIES
from dashboards.papers.statistics import KINDS_ZH, NATURES_ZH, UNKNOWN, cause
from dashboards.reports.model import Cell, Document, Section, Table
from equipment.access.model import Asker
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

CHANGES = (8, 20)
"""Hours of the city's day at which shifts change."""
STATES_ZH = {"verifying": "待核实", "accepted": "已接警", "dispatched": "已派单", "answered": "已应答", "arrived": "已到达", "freed": "已解救",
             "called_back": "已回访", "closed": "已办结", "cancelled": "已撤销", "auto_cleared": "自动消除"}  # fmt: skip
TASKS_ZH = {"wrong_number": "错号待更正", "not_ours": "非我维保待更正", "dead_letter": "通知未送达", "accident_report": "事故报告",
            "death_follow_up": "死亡 30 日随访"}  # fmt: skip


def shift_of(now: datetime) -> tuple[datetime, datetime]:
    """The shift that runs, from its first hour until now.

    >>> from datetime import UTC
    >>> [t.astimezone(SHANGHAI).hour for t in shift_of(datetime(2026, 3, 2, 1, tzinfo=UTC))]
    [8, 9]
    """
    here = now.astimezone(SHANGHAI)
    day = here.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [day - timedelta(days=1) + timedelta(hours=CHANGES[-1]), *(day + timedelta(hours=h) for h in CHANGES)]
    return max(s for s in starts if s < now), now


def zh(words: Mapping[str, str], code: str) -> str:
    """The word of a code, or the code itself."""
    return words.get(code, code)


def clock(moment: datetime | None) -> str:
    """月-日 时:分, or 未知."""
    return UNKNOWN if moment is None else f"{moment.astimezone(SHANGHAI):%m-%d %H:%M}"


def compose(conn: Connection, since: datetime, until: datetime, notes: str, giver: str = "") -> Document:
    """The report of a shift, under the caller's scope."""
    span = {"since": since, "until": until}
    opened, unacknowledged, shelved, out_of_service, storms, offline = (
        conn.execute(QUERIES.shift_counts, span).fetchone() or (0,) * 6
    )
    facts = (
        ("班次", f"{clock(since)} 至 {clock(until)}"),
        ("交班人", giver or "尚未交班"),
        ("本班新开事件", f"{opened} 起"),
        ("未确认报警", f"{unacknowledged} 条"),
        ("已搁置 / 停用的报警", f"{shelved} / {out_of_service} 条"),
        ("进行中的成组报警", f"{storms} 组"),
        ("离线或未知的设备", f"{offline} 台"),
    )
    sections = (
        _open(conn, until), _missed(conn), _tasks(conn), _done(conn, since, until), Section("交班说明", (notes or "无。",)),
    )  # fmt: skip
    return Document("96366 交接班报告", f"{clock(since)} 至 {clock(until)}", facts, sections)


def _table(title: str, empty: str, columns: tuple[str, ...], rows: tuple[tuple[Cell, ...], ...]) -> Section:
    return Section(title, (), Table(columns, rows)) if rows else Section(title, (empty,))


def _open(conn: Connection, now: datetime) -> Section:
    rows = tuple(
        (number, zh(KINDS_ZH, kind), zh(STATES_ZH, state), place or UNKNOWN, UNKNOWN if trapped is None else trapped,
         f"{int((now - began).total_seconds() // 60)} 分", "" if level is None else f"{level} 级 {organisation or ''}", "无人接警" if account is None else seat or f"坐席 {account}")
        for number, kind, state, place, trapped, began, level, organisation, seat, account in conn.execute(QUERIES.shift_open)
    )  # fmt: skip
    return _table(
        "进行中的事件", f"没有进行中的事件（截至 {clock(now)}）。",
        ("编号", "类型", "状态", "地点", "被困", "已过", "派单", "坐席"), rows,
    )  # fmt: skip


def _missed(conn: Connection) -> Section:
    rows = tuple((clock(rang), caller or "号码隐藏") for caller, rang in conn.execute(QUERIES.shift_missed))
    return _table("未回拨的漏接来电", "没有未回拨的漏接来电。", ("来电时间", "号码"), rows)


def _tasks(conn: Connection) -> Section:
    rows = tuple(
        (zh(TASKS_ZH, kind), about, clock(opened), clock(due) if due else "无期限")
        for kind, opened, due, about in conn.execute(QUERIES.shift_tasks)
    )
    return _table("待办", "没有待办。", ("待办", "对象", "提出", "期限"), rows)


def _done(conn: Connection, since: datetime, until: datetime) -> Section:
    rows = tuple(
        (number, NATURES_ZH[Nature(nature)], zh(KINDS_ZH, kind), zh(STATES_ZH, state), place or UNKNOWN, clock(began),
         clock(arrived), clock(freed), clock(closed), cause(code))
        for number, kind, state, place, began, arrived, freed, closed, code, nature
        in conn.execute(QUERIES.shift_done, {"since": since, "until": until})
    )  # fmt: skip
    return _table(
        "本班结束的事件", "本班没有结束的事件。",
        ("编号", "性质", "类型", "状态", "地点", "报警", "到达", "解救", "结束", "原因"), rows,
    )  # fmt: skip


def hand_over(conn: Connection, asker: Asker, since: datetime, notes: str, now: datetime) -> int:
    """Keep the report of the shift for the next one; returns its number."""
    document = compose(conn, since, now, notes, asker.display_name)
    row = conn.execute(
        QUERIES.insert_handover,
        (since, now, Jsonb(document.as_json()), notes, asker.scope_path or "", asker.account_id, now),
    ).fetchone()
    return int(row[0]) if row else 0


def receive(conn: Connection, asker: Asker, number: int, remark: str, now: datetime) -> None:
    """接班: somebody else than the giver takes it over, once.

    Raises
    ------
    BadRequestError
        It is taken over already, it is the asker's own, or there is none.
    """
    if (
        conn.execute(QUERIES.receive_handover, (asker.account_id, now, remark, number, asker.account_id)).fetchone()
        is None
    ):
        raise BadRequestError("该班次已被接班，或是您自己交出的 (taken over already, or handed over by yourself)")
