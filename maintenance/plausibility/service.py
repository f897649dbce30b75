"""Findings of records: told, answered, counted or dismissed. Every function runs in its caller's transaction and scope.

A finding counts only after the accused could answer: when an inspector upholds it, or when nobody answered in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.database import Connection, load_queries
from maintenance.errors import MeanwhileError, StepError, UnknownFindingError
from maintenance.plausibility import facts
from maintenance.plausibility.catalogue import Catalogue, catalogue
from maintenance.plausibility.model import Assessment, Finding
from maintenance.plausibility.score import Band, Standing, band, score, standing
from maintenance.plausibility.telemetry import assess
from maintenance.sealed import write_finding_event

QUERIES = load_queries(__file__)
AGAIN = (timedelta(minutes=10), timedelta(hours=24))
"""After it came a record is looked at when its photos should be there, and when late telemetry should be."""
STEPS: Mapping[tuple[str, str], str] = {
    ("told", "answer"): "answered",
    ("answered", "answer"): "answered",
    ("told", "lapse"): "counted",
    ("told", "dismiss"): "dismissed",
    ("answered", "dismiss"): "dismissed",
    ("answered", "uphold"): "counted",
    ("counted", "answer"): "answered",
    ("counted", "dismiss"): "dismissed",
    ("told", "withdraw"): "withdrawn",
    ("answered", "withdraw"): "withdrawn",
    ("counted", "withdraw"): "withdrawn",
}
"""(state, event) to the next state. A finding is upheld only over an answer; a late answer is heard as well."""
COUNTING = "counted"
LONGEST_ANSWER = 2_000
MOST_RECORDS = 20_000


@dataclass(frozen=True, slots=True)
class Held:
    """A finding as it lies there."""

    id: int
    record_id: UUID
    unit_no: int
    firm_org_id: int
    check: str
    weight: int
    detail: dict[str, Any]
    state: str
    found_at: datetime
    answer_by: datetime

    @property
    def finding(self) -> Finding:
        """The evidence itself."""
        return Finding(self.check, self.weight, self.detail)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a finding's story."""

    finding_id: int
    event: str
    at: datetime
    who: str
    said: str


@dataclass(frozen=True, slots=True)
class Story:
    """What was looked at of a record, found, answered and decided.

    ``points`` of what counts now; ``provisional`` with what may still be answered.
    """

    at: datetime
    looked: tuple[str, ...]
    skipped: tuple[Mapping[str, str], ...]
    findings: tuple[Held, ...]
    events: tuple[Event, ...]
    points: int
    provisional: int
    band: Band


def remember(conn: Connection, record: UUID, event: str, now: datetime) -> None:
    """Note when a record is to be looked at, after it was filed or confirmed."""
    for after in AGAIN if event == "submitted" else (timedelta(0),):
        conn.execute(QUERIES.make_due, (record, now + after))


def look_at_due(conn: Connection, now: datetime, limit: int = 1) -> int:
    """Look at records whose time has come; returns how many."""
    rows = conn.execute(QUERIES.due_records, (now, limit)).fetchall()
    for record in dict.fromkeys(row[0] for row in rows):
        look_at(conn, record, now)
        conn.execute(QUERIES.done, (record, now))
    return len(rows)


def look_at(conn: Connection, record_id: UUID, now: datetime, of: Catalogue | None = None) -> Assessment | None:
    """Look at one record; what is found anew is told, what no longer holds is withdrawn."""
    of = of or catalogue()
    record = facts.filed(conn, record_id)
    if record is None:
        return None
    made = assess(facts.case_of(conn, record, of), of)
    common = {"record": record.id, "unit_no": record.unit_no, "firm": record.firm, "at": now}
    skipped = Jsonb([{"check": s.check, "reason": s.reason} for s in made.skipped])
    conn.execute(
        QUERIES.write_assessment,
        common | {
            "workers": record.workers, "began": record.began, "version": made.version, "looked": list(made.looked),
            "skipped": skipped,
        },
    )  # fmt: skip
    known = {row[1]: (int(row[0]), row[2]) for row in conn.execute(QUERIES.findings_to_compare, (record.id,))}
    for finding in made.findings:
        _tell(conn, finding, known.get(finding.check), common, of, now)
    for check in known.keys() - {f.check for f in made.findings}:
        finding_id, state = known[check]
        if (state, "withdraw") in STEPS:
            conn.execute(QUERIES.set_state, ("withdrawn", finding_id, state))
            _event(conn, finding_id, common, "withdraw", now)
    return made


def _tell(
    conn: Connection,
    finding: Finding,
    before: tuple[int, str] | None,
    common: dict[str, Any],
    of: Catalogue,
    now: datetime,
) -> None:
    values = common | {
        "check": finding.check, "weight": finding.weight, "detail": Jsonb(dict(finding.values)),
        "answer_by": now + timedelta(days=of.counts.answer_days),
    }  # fmt: skip
    if before is None:
        row = conn.execute(QUERIES.insert_finding, values).fetchone()
        finding_id = int(row[0]) if row else 0
    elif before[1] == "withdrawn":
        finding_id = before[0]
        conn.execute(QUERIES.renew, values | {"id": finding_id})
    else:
        return
    detail = {"check": finding.check, "weight": finding.weight, **finding.values}
    _event(conn, finding_id, common, "found", now, detail=detail)
    if finding.weight > 0:
        told = {"record_id": str(common["record"]), "finding_id": finding_id, "check": finding.check, "event": "found"}
        stream.publish(conn, "ledger", "finding", told, unit_no=common["unit_no"], now=now)


def _event(
    conn: Connection, finding_id: int, common: Mapping[str, Any], event: str, now: datetime,
    asker: Asker | None = None, said: str = "", detail: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    write_finding_event(
        conn,
        {
            "finding_id": finding_id, "record_id": str(common["record"]), "unit_no": common["unit_no"],
            "firm_org_id": common["firm"], "event": event, "at": now,
            "account_id": None if asker is None else asker.account_id,
            "who": "" if asker is None else asker.display_name, "said": said, "detail": detail or {},
        },
        now,
    )  # fmt: skip


def act(conn: Connection, finding_id: int, event: str, said: str, asker: Asker, now: datetime) -> Held:
    """Answer a finding (申辩, the firm and its workers), uphold or dismiss it (the inspector).

    Raises
    ------
    UnknownFindingError
    StepError
        Nothing was said, or the finding's state does not allow the step.
    MeanwhileError
    """
    row = conn.execute(QUERIES.finding, (finding_id,)).fetchone()
    if row is None:
        raise UnknownFindingError(f"没有核查发现 {finding_id} (no such finding)")
    held = Held(*row)
    if not said.strip() or len(said) > LONGEST_ANSWER:
        raise StepError(f"请写明理由，最多 {LONGEST_ANSWER} 字 (say why, in at most {LONGEST_ANSWER} characters)")
    state = STEPS.get((held.state, event))
    if state is None:
        raise StepError(
            f"状态 {held.state} 下不能 {event}：须先有申辩或已过申辩期 (not in this state: it must be answered first)"
        )
    if conn.execute(QUERIES.set_state, (state, finding_id, held.state)).fetchone() is None:
        raise MeanwhileError("状态已变化，请刷新 (it changed meanwhile: load it again)")
    common = {"record": held.record_id, "unit_no": held.unit_no, "firm": held.firm_org_id}
    _event(conn, finding_id, common, event, now, asker, said)
    told = {"record_id": str(held.record_id), "finding_id": finding_id, "check": held.check, "event": event}
    stream.publish(conn, "ledger", "finding", told, unit_no=held.unit_no, now=now)
    return Held(*(conn.execute(QUERIES.finding, (finding_id,)).fetchone() or row))


def lapse(conn: Connection, now: datetime) -> int:
    """Let findings count that nobody has answered in time; returns how many."""
    rows = [Held(*row) for row in conn.execute(QUERIES.lapsed, (now,)).fetchall()]
    for held in rows:
        conn.execute(QUERIES.set_state, (COUNTING, held.id, "told"))
        _event(
            conn, held.id, {"record": held.record_id, "unit_no": held.unit_no, "firm": held.firm_org_id}, "lapse", now
        )
        told = {"record_id": str(held.record_id), "finding_id": held.id, "check": held.check, "event": "lapse"}
        stream.publish(conn, "ledger", "finding", told, unit_no=held.unit_no, now=now)
    return len(rows)


def counts(state: str, weight: int) -> bool:
    """Whether a finding counts. What speaks for a visit counts at once; what speaks against it only after an answer."""
    return state == COUNTING or (weight < 0 and state in ("told", "answered"))


def story(conn: Connection, record_id: UUID) -> Story | None:
    """What is known of a record's plausibility; None: nobody has looked yet, or the caller may not see it."""
    row = conn.execute(QUERIES.assessment_of_record, (record_id,)).fetchone()
    if row is None:
        return None
    held = [Held(*r) for r in conn.execute(QUERIES.findings_of_record, (record_id,))]
    points, provisional = _scores([(h.finding, h.state) for h in held])
    return Story(
        at=row[0],
        looked=tuple(row[2]),
        skipped=tuple(row[3]),
        findings=tuple(held),
        events=tuple(Event(*r) for r in conn.execute(QUERIES.events_of_record, (record_id,))),
        points=points,
        provisional=provisional,
        band=band(points, len(row[2]), catalogue()),
    )


def _scores(findings: Sequence[tuple[Finding, str]]) -> tuple[int, int]:
    now = [f for f, state in findings if counts(state, f.weight)]
    open_too = [f for f, state in findings if state in ("told", "answered", COUNTING)]
    return score(now, catalogue()), score(open_too, catalogue())


@dataclass(frozen=True, slots=True)
class Assessed:
    """One record of the inspectors' list."""

    record_id: UUID
    firm_org_id: int
    firm_name: str
    workers: tuple[str, ...]
    began: datetime
    unit_id: str | None
    unit_name: str
    level: str
    checks: tuple[tuple[str, str], ...]
    points: int
    provisional: int
    band: Band


def assessed(conn: Connection, since: datetime, firm: int = 0) -> list[Assessed]:
    """Records that were looked at since a time, the most doubtful first."""
    found = []
    for row in conn.execute(QUERIES.assessed, {"since": since, "firm": firm, "limit": MOST_RECORDS}):
        findings = [(Finding(name, weight, {}), state) for name, weight, state in row[9]]
        points, provisional = _scores(findings)
        found.append(
            Assessed(
                row[0], row[1], row[2] or "", tuple(row[3]), row[4], row[6], row[7] or "", row[8],
                tuple((f.check, state) for f, state in findings if f.weight > 0), points, provisional,
                band(points, row[5], catalogue()),
            )
        )  # fmt: skip
    return sorted(found, key=lambda a: (-a.provisional, -a.points, -a.began.timestamp()))


@dataclass(frozen=True, slots=True)
class Ranked:
    """A firm or a worker of a firm with the standing of its records."""

    name: str
    firm_org_id: int
    standing: Standing


def by_firm(records: Sequence[Assessed]) -> list[Ranked]:
    """Firms by the lower bound of their share of implausible records: few records never lead the list by chance."""
    names = {r.firm_org_id: r.firm_name for r in records}
    return _ranked(
        [(names[f], f, [r.points for r in records if r.firm_org_id == f and r.band is not Band.UNKNOWN]) for f in names]
    )


def by_worker(records: Sequence[Assessed]) -> list[Ranked]:
    """Workers, in the same order."""
    scores: dict[tuple[int, str], list[int]] = {}
    for record in records:
        for worker in record.workers if record.band is not Band.UNKNOWN else ():
            scores.setdefault((record.firm_org_id, worker), []).append(record.points)
    return _ranked([(worker, firm, found) for (firm, worker), found in scores.items()])


def _ranked(groups: Sequence[tuple[str, int, list[int]]]) -> list[Ranked]:
    found = [Ranked(name, firm, standing(scores, catalogue())) for name, firm, scores in groups]
    return sorted(found, key=lambda r: (-r.standing.low, -r.standing.mean))
