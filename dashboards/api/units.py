"""Equipment: search, register, correct, count, one unit and its readings."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.api.etags import IfMatch, etag_of, link_next, require_match
from dashboards.context import Context, permit
from dashboards.errors import BadRequestError, NotFoundError
from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.catalogue.load import load_catalogue
from equipment.history import store as history
from equipment.history.model import DAYS_PER_YEAR, Span, Wanted
from equipment.registry import store
from equipment.registry.model import NewUnit, Unit
from ingest import read

router = APIRouter(prefix="/units", tags=["units"])
LONGEST_SERIES = timedelta(days=3_660)


class UnitChange(BaseModel):
    """Values of a unit to be corrected, and why. What is not sent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)
    variety_code: str | None = None
    name: str | None = None
    address: str | None = None
    jurisdiction_id: str | None = None
    device_code: str | None = None
    registration_code: str | None = None
    certificate_no: str | None = None
    rescue_code: str | None = None
    internal_no: str | None = None
    place_name: str = ""
    building: str = ""
    entrance: str = ""
    lon: float | None = None
    lat: float | None = None
    datum: Literal["wgs84", "gcj02", "bd09", "cgcs2000", "unknown"] = "unknown"
    accuracy_m: float | None = None
    use_org_id: int | None = None
    firm_org_id: int | None = None
    owner_org_id: int | None = None
    maintenance_mode: Literal["traditional", "on_demand"] | None = None
    status: Literal["in_use", "stopped", "scrapped", "cancelled", "dismantled", "moved_out", "unregistered"] = "in_use"
    manufacturer: str | None = None
    make_date: date | None = None
    first_use_date: date | None = None
    device_model: str | None = None
    insurance_valid_to: date | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class UnitBody(UnitChange):
    """A unit to be registered."""

    reason: str = Field("登记", max_length=500)
    id: str
    kind: str
    variety_code: str
    name: str
    address: str
    jurisdiction_id: str


class Count(BaseModel):
    """How many units were so on a day."""

    on: date
    units: int


class Exposure(BaseModel):
    """Unit-days and unit-years under exposure in [since, until)."""

    since: date
    until: date
    unit_days: int
    unit_years: float


def conditions(
    district: Annotated[str, Query(description="Id of a jurisdiction; empty: all of your scope")] = "",
    kind: Annotated[tuple[str, ...], Query(description="May be given several times")] = (),
    status: str = "",
    insured: bool | None = None,
) -> Wanted:
    """Which units are counted."""
    return Wanted(district, kind, status, insured)


@router.get("")
def search(
    context: Context,
    request: Request,
    response: Response,
    asker: Annotated[Asker, Depends(permit("unit.view"))],
    q: Annotated[str, Query(max_length=100)] = "",
    kind: str = "",
    status: str = "",
    district: str = "",
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Unit]:
    """By any code, name, address, place, building or pinyin initials; the next page stands in the Link header."""
    wanted = store.UnitFilter(q.strip(), kind, status, district)
    with context.transaction(asker) as conn:
        found = store.search_units(conn, wanted, after, limit)
    link_next(request, response, found[-1].no if len(found) == limit else None)
    return found


@router.post("", status_code=201)
def register(
    context: Context, body: UnitBody, response: Response, asker: Annotated[Asker, Depends(permit("unit.edit"))]
) -> Unit:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        new = NewUnit(**body.model_dump(exclude={"reason"}))
        store.create_unit(conn, new, now)
        audit(conn, asker, "unit.register", f"unit:{new.id}", now, reason=body.reason)
        unit = store.require_unit(conn, new.id)
    response.headers["ETag"] = etag_of(unit.changed_at)
    response.headers["Location"] = f"/api/v1/units/{unit.id}"
    return unit


@router.get("/count")
def count(
    context: Context,
    on: date,
    asker: Annotated[Asker, Depends(permit("unit.view"))],
    wanted: Annotated[Wanted, Depends(conditions)],
) -> Count:
    """How many units were so on that day, of those that lay in your scope on that day."""
    with context.transaction(asker) as conn:
        return Count(on=on, units=history.units_as_of(conn, on, wanted))


@router.get("/exposure")
def exposure(
    context: Context,
    since: date,
    until: date,
    asker: Annotated[Asker, Depends(permit("unit.view"))],
    wanted: Annotated[Wanted, Depends(conditions)],
) -> Exposure:
    """Unit-years between two days, the denominator of a rate; ``until`` itself is not in it."""
    with context.transaction(asker) as conn:
        found = history.unit_days(conn, Span(since, until), wanted)
    return Exposure(since=since, until=until, unit_days=found, unit_years=found / DAYS_PER_YEAR)


@router.get("/{unit_id}")
def one(
    context: Context, unit_id: str, response: Response, asker: Annotated[Asker, Depends(permit("unit.view"))]
) -> Unit:
    with context.transaction(asker) as conn:
        unit = store.require_unit(conn, unit_id)
    response.headers["ETag"] = etag_of(unit.changed_at)
    return unit


@router.patch("/{unit_id}")
def change(
    context: Context,
    unit_id: str,
    body: UnitChange,
    response: Response,
    asker: Annotated[Asker, Depends(permit("unit.edit"))],
    if_match: IfMatch = None,
) -> Unit:
    """Correct values from today on; for another day, POST a period to ``/units/{id}/history``."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        before = store.require_unit(conn, unit_id)
        require_match(if_match, before.changed_at)
        read_at = None if if_match == "*" else before.changed_at
        changes = store.UnitChanges(body.model_dump(exclude_unset=True, exclude={"reason"}), read_at)
        unit = store.update_unit(conn, unit_id, changes, asker, body.reason, now)
    response.headers["ETag"] = etag_of(unit.changed_at)
    return unit


@router.get("/{unit_id}/readings")
def readings(
    context: Context,
    unit_id: str,
    asker: Annotated[Asker, Depends(permit("unit.view"))],
    signals: Annotated[str, Query(description="Name of a signal")],
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
    points: Annotated[int, Query(ge=1, le=10_000)] = 2_000,
) -> dict[str, Any]:
    """One signal over time, oldest first; by default the last hour.

    ``rows`` are ``[time, value, least, greatest, samples]`` in at most ``points`` rows; ``level`` says whether they are
    samples (``raw``) or the means of a ``minute``, ``hour`` or ``day``.
    """
    end = until or context.clock.now()
    start = since or end - timedelta(hours=1)
    if start.tzinfo is None or end.tzinfo is None:
        raise BadRequestError("'from' and 'to' need a time zone, such as 2026-11-23T08:00:00+08:00.")
    if start >= end or end - start > LONGEST_SERIES:
        raise BadRequestError(f"Ask for at most {LONGEST_SERIES.days} days, 'from' before 'to'.")
    with context.transaction(asker) as conn:
        unit = store.require_unit(conn, unit_id)
        kind = load_catalogue().kind(unit.kind)
        known = {s.name: s for s in kind.signals} if kind else {}
        if signals not in known:
            raise NotFoundError(f"Equipment of the kind {unit.kind} has no signal {signals!r}.")
        found = read.course(conn, unit.kind, unit.no, known[signals], (start, end), points)
    return {
        "unit": unit.id,
        "signal": signals,
        "measured_in": known[signals].unit,
        "level": found.level,
        "rows": [(p.at, p.value, p.low, p.high, p.samples) for p in found.points],
    }
