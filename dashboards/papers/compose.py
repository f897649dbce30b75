"""What each paper says, in the words of the office. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboards.reports.model import Cell, Document, Section, Table
from equipment.foundation.clock import SHANGHAI
from maintenance.extracts.model import Digest, Material, Order
from maintenance.hazards.clauses import clauses
from maintenance.hazards.demands import OFFICERS, officers_of
from maintenance.hazards.lifecycle import STATE_ZH
from maintenance.hazards.model import Hazard
from maintenance.hazards.sheet import Line
from maintenance.orders.service import Delivery, Issued

GRADES = {"general": "一般", "serious": "较大（严重）", "major": "重大"}
STATES = {state.value: text for state, text in STATE_ZH.items()}
METHODS = {"direct": "直接送达", "left": "留置送达", "post": "邮寄送达", "electronic": "电子送达", "public": "公告送达"}
NONE = "—"
BLANK = "＿＿＿＿＿＿＿＿"
LEDGER_COLUMNS = (
    "隐患编号", "来源", "发现时间", "核实人", "区县", "设备编号", "设备代码", "使用登记证", "设备", "地址", "使用单位", "维保单位", "隐患内容",
    "依据条款", "等级", "风险色", "停用", "责任单位", "责任人", "交办单号", "交办时间", "签收时间", "整改措施", "整改资金", "应急预案",
    "整改期限", "延期次数", "最近进展", "申请销号时间", "复查人员及证号", "复查时间", "复查结论", "照片（整改前）", "照片（整改后）",
    "其他附件", "状态", "逾期天数", "挂牌督办", "通报次数", "通报文号", "其他文书", "重新打开次数", "销号时间",
)  # fmt: skip


def when(at: datetime | None) -> str:
    """A moment of the city, to the minute."""
    return NONE if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Signer:
    """One officer as he stands on a paper; "" leaves a line to write on."""

    name: str
    badge: str


@dataclass(frozen=True, slots=True)
class OrderPaper:
    """A numbered document of a bureau with its 送达回证. ``facts``: label, text, whether it takes the whole width."""

    title: str
    number: str
    bureau: str
    to: str
    date: str
    facts: tuple[tuple[str, str, bool], ...]
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    officers: tuple[Signer, ...]
    served: tuple[str, ...]
    servers: tuple[Signer, ...]


ORDER_FACTS = (
    ("隐患编号", "hazard", False), ("隐患等级", "grade", False), ("设备", "unit", True), ("设备代码", "device_code", True),
    ("地址", "address", True), ("使用单位", "use_unit", True), ("维保单位", "firm", True), ("责任人", "responsible_person", False),
    ("整改期限", "due_at", False), ("整改资金", "funds", True), ("通报范围", "scope", True),
)  # fmt: skip


def order(issued: Issued, served: Sequence[Delivery]) -> OrderPaper:
    """交办单, 指令书, 通报, 约谈, 督办: what it said when it was issued, who signs with which number, how it was served."""
    said = {**issued.content, "grade": f"{GRADES.get(str(issued.content['grade']), issued.content['grade'])}事故隐患"}
    found = [(label, day_of(str(said[name])), wide) for label, name, wide in ORDER_FACTS if said.get(name)]
    basis = (
        f"GB 45067-2024 第 {said['clause']} 项：{said['clause_text']}"
        if said.get("clause")
        else "未引用重大事故隐患条款"
    )
    demands = tuple(str(said[n]) for n in ("measures", "plan") if said.get(n))
    stop = ("在隐患消除前停止使用该设备。",) if said.get("stop_use") else ()
    reasons = tuple(str(said[n]) for n in ("reason", "evidence") if said.get(n))
    named = [Signer(o["name"], o["badge"]) for o in said.get("officers") or ()]
    last = officers_of(served[-1].officers, 1) if served and served[-1].officers else []
    return OrderPaper(
        title=str(said["title"]), number=issued.number, bureau=str(said["bureau"]), to=str(said.get("responsible") or ""),
        date=f"{issued.issued_at.astimezone(SHANGHAI):%Y 年 %-m 月 %-d 日}", facts=_in_pairs(found),
        sections=(
            ("一、事实与依据", (f"{said['description']}。", f"依据：{basis}。", *reasons)),
            ("二、要求", (*stop, *demands) or (NONE,)),
        ),
        officers=_two(named or [Signer(issued.issued_by or str(said.get("officer") or ""), "")]),
        served=tuple(_served(d) for d in served),
        servers=_two([Signer(o["name"], o["badge"]) for o in last]),
    )  # fmt: skip


def day_of(text: str) -> str:
    """A moment as the city says it; what is none stays as it is.

    >>> day_of("2026-03-12T15:59:59+00:00")
    '2026-03-12'
    """
    try:
        return f"{datetime.fromisoformat(text).astimezone(SHANGHAI):%Y-%m-%d}" if "T" in text else text
    except ValueError:
        return text


def _in_pairs(facts: Sequence[tuple[str, str, bool]]) -> tuple[tuple[str, str, bool], ...]:
    """Narrow facts first, two in a line; one that is left alone takes the whole line."""
    narrow = [f for f in facts if not f[2]]
    if len(narrow) % 2:
        narrow[-1] = (*narrow[-1][:2], True)
    return (*narrow, *(f for f in facts if f[2]))


def _two(named: Sequence[Signer]) -> tuple[Signer, ...]:
    """At least two places to sign."""
    return (*named, *[Signer("", "")] * max(0, OFFICERS - len(named)))


def _served(d: Delivery) -> str:
    where = f"，{d.place}" if d.place else ""
    who = f"，送达人 {d.officers}" if d.officers else ""
    return f"{when(d.delivered_at)}{where}，{METHODS[d.method]}，受送达人 {d.receiver}{who}。{d.note}"


def extraction(material: Material, given: Order, found: Sequence[Digest], made_at: datetime) -> Document:
    """电子数据提取笔录."""
    facts = (
        *material.facts, ("提取时间", f"{made_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}（北京时间）"),
        ("来源", "特种设备安全监管平台数据库，经身份认证的执法人员账号在权限范围内读取"),
        ("方法", "平台按编号导出原始数据；逐个文件计算 SHA-256 与 SM3 校验值；条目附日志位置与签名检查点，可用 teshe verify 离线核验"),
        ("执法人员", given.officers), ("当事人", given.party),
    )  # fmt: skip
    table = Table(("文件", "字节", "SHA-256", "SM3"), tuple((d.name, d.bytes, d.sha256, d.sm3) for d in found))
    ends = (
        f"当事人意见：{given.statement}", f"当事人（签名）：{BLANK}　日期：{BLANK}",
        *(f"执法人员（签名）：{BLANK}（{o['name']}）　执法证号：{o['badge']}　日期：{BLANK}" for o in officers_of(given.officers, OFFICERS)),
        f"见证人（签名）：{BLANK}　日期：{BLANK}",
    )  # fmt: skip
    return Document(
        "电子数据提取笔录",
        material.title,
        facts,
        (Section("提取的文件及校验值", (), table), Section("意见与签名", ends)),
    )


def transfer(material: Material, given: Order, made_at: datetime) -> Document:
    """案件移送书, which goes with the extraction."""
    facts = (*material.facts, ("移送至", given.transfer_to), ("移送时间", when(made_at)), ("承办人", given.officers))
    words = (
        f"现将 {material.title} 及所附电子数据移送你单位依法处理。",
        "附：电子数据提取笔录、案卷数据、校验值清单；数据可用 teshe verify 离线核验。",
        f"移送单位（印章）：{BLANK}　接收人（签名）：{BLANK}　日期：{BLANK}",
    )
    return Document("案件移送书", material.title, facts, (Section("移送事项", words),))


def ledger(
    hazards: Sequence[Hazard], lines: Mapping[int, Line], names: Mapping[int, str], sources: Mapping[str, str], made_at: datetime
) -> Document:  # fmt: skip
    """The ledger's columns, for a spreadsheet; exactly the rows given."""
    rows = tuple(_line(h, lines[h.id], names, sources, made_at) for h in hazards)
    return Document(
        "特种设备事故隐患台账", when(made_at), (("项数", str(len(rows))),), (Section("台账", (), Table(LEDGER_COLUMNS, rows)),)
    )  # fmt: skip


def _line(
    h: Hazard, more: Line, names: Mapping[int, str], sources: Mapping[str, str], now: datetime
) -> tuple[Cell, ...]:
    item = clauses().get(h.clause or "")
    late = h.closed_at is None and h.due_at is not None and h.due_at < now
    return (
        h.number, sources.get(h.source_kind or "", h.source_kind or NONE), when(h.opened_at), _or_none(more.opened_by),
        _or_none(more.district), _or_none(h.unit_id), _or_none(more.device_code), _or_none(more.certificate_no), _or_none(more.subject),
        _or_none(more.address), _or_none(more.use_unit), _or_none(more.firm), h.description,
        f"{item.id} {item.zh}" if item else NONE, GRADES.get(h.grade, h.grade),
        {"red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝"}.get(h.risk_colour or "", "未评价"), "是" if h.stop_use else "否",
        names.get(h.responsible_org_id or 0, NONE), _or_none(h.responsible_person), _or_none(more.hand_over_no), when(more.handed_at),
        when(more.receipt_at), _or_none(h.measures), _or_none(h.funds), _or_none(h.plan), when(h.due_at), more.extended,
        _or_none(more.progress), when(more.applied_at), _or_none(more.checkers), when(more.checked_at), _or_none(more.conclusion),
        more.before, more.after, more.other, STATES[h.state], (now - h.due_at).days if late and h.due_at else 0, when(h.supervised_at),
        h.notices, _or_none(more.notices), _or_none(more.orders), h.reopened, when(h.closed_at),
    )  # fmt: skip


def _or_none(text: str | None) -> str:
    return text or NONE
