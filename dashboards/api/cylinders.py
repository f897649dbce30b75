"""气瓶: registered, checked, filled and moved by the stations' own systems; read by their inspectors and by the public."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from dashboards.api.etags import IfMatch, etag_of, link_next, require_match
from dashboards.context import Context, WebContext, permit
from dashboards.errors import BadRequestError, NotFoundError
from equipment.access.model import Asker
from equipment.cylinders import corrections, coverage, export, filling, movements, register, stations, store, transfers
from equipment.cylinders.coverage import TraceCoverage
from equipment.cylinders.filling import read_call
from equipment.cylinders.model import (
    BatchAnswer,
    Check,
    CheckAnswer,
    Cylinder,
    Fill,
    FillRow,
    Movement,
    NewCylinder,
    PublicCylinder,
)
from equipment.cylinders.register import RegisterAnswer
from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import NewLicence, NewPolicy
from equipment.errors import CylinderInputError
from equipment.foundation.clock import SHANGHAI

router = APIRouter(tags=["cylinders"])
T = TypeVar("T")
EXPORT_PAGE = 5_000
LONGEST_EXPORT = timedelta(days=92)


class Revocation(BaseModel):
    """Why a licence ends."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class Correction(BaseModel):
    """Values that were registered wrongly, and why. What is not sent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=corrections.LONGEST_REASON)
    code: str | None = None
    certificate_no: str | None = None
    volume_l: float | None = None
    nominal_pressure_mpa: float | None = None
    maker_code: str | None = None
    serial: str | None = None
    make_date: date | None = None
    variety_code: str | None = None
    medium: str | None = None
    tare_kg: float | None = None
    max_fill_kg: float | None = None
    last_inspection: date | None = None
    next_inspection: date | None = None
    scrap_date: date | None = None


class Offer(BaseModel):
    """Cylinders that are to go to another station."""

    model_config = ConfigDict(extra="forbid")

    to_station: int
    codes: list[str] = Field(min_length=1, max_length=transfers.MOST_CYLINDERS)
    reason: str = Field(min_length=1, max_length=transfers.LONGEST_REASON)


class TransferAnswer(BaseModel):
    """What a party does with an offer; a refusal says why."""

    model_config = ConfigDict(extra="forbid")

    event: Literal["accept", "refuse", "withdraw"]
    answer: str = Field("", max_length=transfers.LONGEST_REASON)


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
Viewer = Annotated[Asker, Depends(permit("cylinder.view"))]
Filler = Annotated[Asker, Depends(permit("cylinder.fill"))]
Registrar = Annotated[Asker, Depends(permit("cylinder.register"))]
Insurer = Annotated[Asker, Depends(permit("cylinder.insure"))]
Transferor = Annotated[Asker, Depends(permit("cylinder.transfer"))]
Licenser = Annotated[Asker, Depends(permit("cylinder.license"))]


def _takes(kind: Any, many: str | None = None) -> dict[str, Any]:
    """The OpenAPI description of a JSON body of ``kind``, or of a list of them under the name ``many``."""
    (_,), components = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    schema: dict[str, Any] = components[kind.__name__]
    if many is not None:
        items = {"type": "array", "items": schema, "minItems": 1, "maxItems": filling.MOST_FILLS}
        schema = {"type": "object", "properties": {many: items}, "required": [many]}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CylinderInputError(f"无法读取 (cannot be read): {error}") from None


def _fitting(context: WebContext, body: bytes) -> bytes:
    if len(body) > context.settings.max_upload_bytes:
        raise BadRequestError(f"The call is larger than {context.settings.max_upload_bytes} bytes: send fewer at once.")
    return body


@router.get("/public/cylinders/{code}")
def public(context: Context, code: str) -> PublicCylinder:
    """扫码公示: station, newest fill, inspection, insurance and state; no person. Open to everybody."""
    with context.transaction(None) as conn:
        found = store.public(conn, code, context.clock.now())
    if found is None:
        raise NotFoundError(
            "没有登记此编码的气瓶，请勿使用 (no cylinder is registered under this code: do not use it)."
        )
    return found


@router.get("/cylinders")
def search(
    context: Context,
    asker: Viewer,
    q: Annotated[str, Query(max_length=60, description="Whole code or serial number")] = "",
    state: str = "",
    station: int | None = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Cylinder]:
    """In order of their number; ``after`` is the last number of the page before."""
    with context.transaction(asker) as conn:
        return store.search(conn, store.CylinderFilter(q.strip(), state, station), after, limit)


@router.post("/cylinders", openapi_extra=_takes(NewCylinder, "cylinders"))
def registered(context: Context, body: Body, asker: Registrar) -> RegisterAnswer:
    """建档, up to 1,000 a call, each answered by itself; the same cylinder again changes nothing."""
    call = register.read_call(_fitting(context, body))
    with context.transaction(asker) as conn:
        caller = stations.caller_of(conn, asker)
        return register.register(conn, call.cylinders, caller.station_id, asker, context.clock.now())


@router.get("/cylinders/due")
def due(
    context: Context,
    asker: Viewer,
    until: Annotated[date | None, Query(description="First day that is not wanted; by default today: overdue")] = None,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Cylinder]:
    """Due for inspection, the longest overdue first."""
    before = until or context.clock.now().astimezone(SHANGHAI).date()
    with context.transaction(asker) as conn:
        return store.due_for_inspection(conn, date.min, before, None, offset, limit)


@router.get("/cylinders/coverage")
def traced(context: Context, asker: Viewer) -> TraceCoverage:
    """追溯覆盖 of today within the caller's scope."""
    today = context.clock.now().astimezone(SHANGHAI).date()
    with context.transaction(asker) as conn:
        return coverage.trace_coverage(conn, today)


@router.get("/cylinders/export.csv")
def export_cylinders(context: Context, asker: Viewer) -> StreamingResponse:
    """All cylinders in scope as CSV."""

    def page(after: int) -> tuple[list[Cylinder], int]:
        with context.transaction(asker) as conn:
            found = store.search(conn, store.CylinderFilter(), after, EXPORT_PAGE)
        return found, found[-1].no if found else after

    return _csv("cylinders.csv", export.CYLINDER_COLUMNS, page, 0)


def _csv(
    name: str, columns: dict[str, str], page: Callable[[Any], tuple[list[Any], Any]], start: Any
) -> StreamingResponse:
    def chunks() -> Iterator[bytes]:
        yield export.header(columns)
        at = start
        while True:
            found, at = page(at)
            yield export.rows_of(found, columns)
            if len(found) < EXPORT_PAGE:
                return

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/cylinders/{code}")
def one(context: Context, code: str, response: Response, asker: Viewer) -> dict[str, Any]:
    """A cylinder with its newest fills and events."""
    with context.transaction(asker) as conn:
        found = store.find(conn, code)
        response.headers["ETag"] = etag_of(found.changed_at)
        return {
            "cylinder": found,
            "fills": store.fills_of(conn, found.no),
            "events": store.events_of(conn, found.no),
        }


@router.post("/cylinders/{code}/check", openapi_extra=_takes(Check))
def check(context: Context, code: str, body: Body, asker: Filler) -> CheckAnswer:
    """充前检查: may the gas flow? Ask before opening the valve; a refusal is an answer, and is kept."""
    wanted = _read(body, Check)
    with context.transaction(asker) as conn:
        caller = stations.caller_of(conn, asker)
        return filling.check_before(conn, code, wanted, caller, context.clock.now(), CylinderSettings())


@router.post("/cylinders/{code}/events", openapi_extra=_takes(Movement))
def move(
    context: Context, code: str, body: Body, asker: Annotated[Asker, Depends(permit("cylinder.move"))]
) -> movements.Moved:
    """流转: delivery, return, inspection, repair, loss, scrapping; freezing by the inspector."""
    wanted = _read(body, Movement)
    with context.transaction(asker) as conn:
        return movements.move(conn, code, wanted, asker, context.clock.now(), CylinderSettings())


@router.patch("/cylinders/{code}")
def correct(
    context: Context,
    code: str,
    body: Correction,
    response: Response,
    asker: Annotated[Asker, Depends(permit("cylinder.correct"))],
    if_match: IfMatch = None,
) -> Cylinder:
    """更正. A station corrects its codes and the plate; what limits a fill is the inspector's to correct."""
    values = body.model_dump(exclude_unset=True, exclude={"reason"})
    with context.transaction(asker) as conn:
        corrections.lock(conn, code)
        require_match(if_match, store.find(conn, code).changed_at)
        found = corrections.correct(conn, code, values, body.reason, asker, context.clock.now())
    response.headers["ETag"] = etag_of(found.changed_at)
    return found


@router.get("/cylinder-transfers")
def all_transfers(
    context: Context,
    request: Request,
    response: Response,
    asker: Viewer,
    open_only: bool = True,
    before: Annotated[int, Query(ge=1)] = store.NEWEST,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[transfers.Transfer]:
    """过户, newest first."""
    with context.transaction(asker) as conn:
        found = transfers.transfers(conn, open_only=open_only, before=before, limit=limit)
    link_next(request, response, found[-1].id if len(found) == limit else None, "before")
    return found


@router.post("/cylinder-transfers")
def offer(context: Context, body: Offer, asker: Transferor) -> transfers.OfferAnswer:
    """Offer cylinders to another station; those that cannot go are named with their reasons, and stay."""
    with context.transaction(asker) as conn:
        return transfers.offer(conn, body.to_station, body.codes, body.reason, asker, context.clock.now())


@router.get("/cylinder-transfers/{transfer_id}")
def one_transfer(context: Context, transfer_id: int, asker: Viewer) -> dict[str, Any]:
    """The transfer and its cylinders."""
    with context.transaction(asker) as conn:
        found = transfers.require_transfer(conn, transfer_id)
        return {"transfer": found, "items": transfers.items_of(conn, transfer_id)}


@router.post("/cylinder-transfers/{transfer_id}")
def decide_transfer(context: Context, transfer_id: int, body: TransferAnswer, asker: Transferor) -> transfers.Transfer:
    """The receiver accepts or refuses, the owner withdraws. Of what is accepted each cylinder is judged once more."""
    event = transfers.TransferEvent(body.event)
    with context.transaction(asker) as conn:
        return transfers.decide(conn, transfer_id, event, body.answer, asker, context.clock.now())


@router.post("/fills", openapi_extra=_takes(Fill, "fills"))
def fill(
    context: Context,
    body: Body,
    asker: Filler,
    idempotency_key: Annotated[str | None, Header(min_length=8, max_length=100)] = None,
) -> BatchAnswer:
    """充装记录, up to 1,000 a call, each answered by itself.

    Send the same Idempotency-Key again after a lost answer: nothing is kept twice, and the first answer comes back.
    """
    if idempotency_key is None:
        raise BadRequestError("Send an Idempotency-Key header, one per call, the same when you try again.")
    call = read_call(_fitting(context, body))
    with context.transaction(asker) as conn:
        caller = stations.caller_of(conn, asker)
        return filling.submit(conn, call, idempotency_key, caller, context.clock.now(), CylinderSettings())


def _period(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    end = until or now
    start = since or end - timedelta(days=1)
    if start.tzinfo is None or end.tzinfo is None:
        raise BadRequestError("'from' and 'to' need a time zone, such as 2026-11-23T08:00:00+08:00.")
    if start >= end or end - start > LONGEST_EXPORT:
        raise BadRequestError(f"Ask for at most {LONGEST_EXPORT.days} days, 'from' before 'to'.")
    return start, end


Since = Annotated[datetime | None, Query(alias="from")]
Until = Annotated[datetime | None, Query(alias="to")]


@router.get("/fills")
def fills(
    context: Context,
    asker: Viewer,
    since: Since = None,
    until: Until = None,
    below: Annotated[int, Query(ge=0, description="Next page: the last row's cylinder_no")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> list[FillRow]:
    """Newest first, by default of the last day. Next page: the last row's ``filled_at`` as ``to``, with ``below``."""
    start, end = _period(since, until, context.clock.now())
    with context.transaction(asker) as conn:
        return store.fills(conn, start, end, below, limit)


@router.get("/fills/export.csv")
def export_fills(context: Context, asker: Viewer, since: Since = None, until: Until = None) -> StreamingResponse:
    """Fills of a period as CSV, newest first."""
    start, end = _period(since, until, context.clock.now())

    def page(at: tuple[datetime, int]) -> tuple[list[FillRow], tuple[datetime, int]]:
        with context.transaction(asker) as conn:
            found = store.fills(conn, start, *at, EXPORT_PAGE)
        return found, (found[-1].filled_at, found[-1].cylinder_no) if found else at

    return _csv("fills.csv", export.FILL_COLUMNS, page, (end, 0))


@router.get("/refusals")
def refusals(
    context: Context,
    asker: Viewer,
    code: Annotated[str, Query(max_length=60)] = "",
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[store.Refusal]:
    """拒充记录, newest first; ``before`` is the last id of the page before."""
    with context.transaction(asker) as conn:
        return store.refusals(conn, before or store.NEWEST, code.strip(), limit)


@router.get("/filling-stations")
def all_stations(context: Context, asker: Viewer) -> list[stations.Station]:
    """Filling stations in scope."""
    with context.transaction(asker) as conn:
        return list(stations.stations(conn, context.clock.now().astimezone(SHANGHAI).date()))


@router.post("/filling-stations/{station_id}", status_code=204)
def register_station(context: Context, station_id: int, asker: Licenser) -> None:
    """Register an organisation of the kind ``filling_station``."""
    with context.transaction(asker) as conn:
        stations.register_station(conn, station_id, asker, context.clock.now())


@router.post("/filling-stations/{station_id}/licences", status_code=201, openapi_extra=_takes(NewLicence))
def add_licence(context: Context, station_id: int, body: Body, asker: Licenser) -> dict[str, int]:
    """Enter a 充装许可证; a renewal is another one."""
    wanted = _read(body, NewLicence)
    with context.transaction(asker) as conn:
        return {"id": stations.add_licence(conn, station_id, wanted, asker, context.clock.now())}


@router.post("/filling-stations/{station_id}/licences/{licence_id}/revoke", status_code=204)
def revoke(context: Context, station_id: int, licence_id: int, wanted: Revocation, asker: Licenser) -> None:
    """A licence ends today."""
    with context.transaction(asker) as conn:
        stations.revoke_licence(conn, station_id, licence_id, asker, wanted.reason, context.clock.now())


@router.post("/filling-stations/{station_id}/policies", status_code=201, openapi_extra=_takes(NewPolicy))
def add_policy(context: Context, station_id: int, body: Body, asker: Insurer) -> dict[str, int]:
    """Enter a liability insurance policy."""
    wanted = _read(body, NewPolicy)
    with context.transaction(asker) as conn:
        return {"id": stations.add_policy(conn, station_id, wanted, asker, context.clock.now())}
