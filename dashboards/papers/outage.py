"""停机应急包 (outage pack): the list with which a desk works on when the platform is away: plate → address → duty phones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.reports.model import Document, Section, Table
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
NONE = "无登记"
PAPER_LINES = (
    "纸质编号", "报警时间", "来电人及电话", "救援识别码", "地点（小区 楼栋 单元）", "被困人数 / 受伤人数", "派单时间 / 级别 / 派给谁",
    "到达时间", "解救时间 / 解救方式", "回访时间", "办结时间 / 原因",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class District:
    """One file of the pack."""

    id: str
    zh: str


def districts(conn: Connection) -> list[District]:
    """The districts, as the caller may see them."""
    return [District(*row) for row in conn.execute(QUERIES.districts)]


def compose(conn: Connection, district: District | None, hotline: str, now: datetime) -> Document:
    """The list of one district (None: all that the caller sees), with the shifts of the next 24 hours."""
    values = {"since": now, "until": now + timedelta(hours=24), "district": district.id if district else ""}
    units = conn.execute(QUERIES.outage_units, values).fetchall()
    stations = conn.execute(QUERIES.outage_stations, values).fetchall()
    place = district.zh if district else "全部辖区"
    facts = (
        ("范围", place),
        ("数据时间", f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"),
        ("在用电梯", f"{len(units)} 台，其中 {sum(u[0] is None for u in units)} 台没有救援识别码（列于表末）"),
        ("热线", f"{hotline}；三级响应 119 · 110 · 120"),
    )
    phones = tuple((s[0], s[2], s[1] or NONE) for s in stations)
    rows = tuple(
        (u[0] or "—", u[1], " ".join(p for p in (u[2], u[3]) if p) or NONE, u[4] or NONE, u[5] or NONE, u[6] or NONE, u[7] or NONE)
        for u in units
    )  # fmt: skip
    columns = ("救援识别码", "电梯", "地址", "维保单位", "维保值班电话", "使用单位", "使用单位电话")
    sections = (
        Section("平台中断时怎么办", (
            "1. 问清救援识别码、被困人数、有无受伤，按识别码在下表查地址和电话。",
            "2. 先电话派维保单位；1 分钟无人应答改派救援站；有人受伤或仍无人应答，拨 119 / 110 / 120。",
            "3. 逐项记录各环节时间（见登记表）；每 5 分钟回拨安抚被困人员，直至解救。",
            "4. 平台恢复后，在“停机应急包”页面按原时间补录。",
        )),
        Section("救援站", () if phones else ("没有登记的救援站。",), Table(("救援站", "辖区", "值班电话"), phones) if phones else None),
        Section("纸质登记表（每起一张，可复印）", (), Table(("项目", "填写"), tuple((line, " " * 60) for line in PAPER_LINES))),
        Section("电梯", () if rows else ("没有在用电梯。",), Table(columns, rows) if rows else None),
    )  # fmt: skip
    return Document("96366 停机应急包", f"{place} {now.astimezone(SHANGHAI):%Y-%m-%d}", facts, sections)
