"""单位与人员: read, register, correct; licences, credit grades, certificates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.api.etags import IfMatch, etag_of, link_next, require_match
from dashboards.context import Context, WebContext, permit
from equipment.access.model import Asker
from equipment.access.personal import phone_for
from equipment.access.store import audit
from equipment.foundation.clock import SHANGHAI
from equipment.parties import store
from equipment.parties.model import CreditGrade, Licence, NewLicence, OrganisationRow, PersonRow
from equipment.registry.store import NewOrganisation, create_organisation, create_person

router = APIRouter(tags=["organisations"])
View = Annotated[Asker, Depends(permit("organisation.view"))]
Edit = Annotated[Asker, Depends(permit("organisation.edit"))]
Register = Annotated[Asker, Depends(permit("organisation.register"))]
KIND = Literal[
    "use_unit",
    "maintenance_firm",
    "rescue_station",
    "inspection_body",
    "authority",
    "insurer",
    "manufacturer",
    "filling_station",
]


class OrganisationChange(BaseModel):
    """Values to be corrected, and why. What is not sent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)
    name: str | None = None
    credit_code: str | None = None
    jurisdiction_id: str | None = None
    address: str | None = None
    duty_phone: str | None = None
    lon: float | None = None
    lat: float | None = None
    datum: Literal["wgs84", "gcj02", "bd09", "cgcs2000", "unknown"] = "unknown"


class OrganisationBody(OrganisationChange):
    """An organisation to be registered."""

    reason: str = Field("登记", max_length=500)
    kind: KIND
    name: str = Field(min_length=1)
    jurisdiction_id: str


class LicenceBody(BaseModel):
    """许可证, ``until`` not included."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["maintenance", "installation", "manufacture", "inspection", "filling"]
    number: str = Field(min_length=1)
    since: date
    until: date
    scope: str = ""


class GradeBody(BaseModel):
    """信用等级 from a day on."""

    model_config = ConfigDict(extra="forbid")

    grade: Literal["A", "B", "C", "D"]
    since: date
    basis: str = Field(min_length=1)


class PersonChange(BaseModel):
    """Values of a person to be corrected, and why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)
    name: str | None = Field(None, min_length=1)
    phone: str | None = None
    duty: str | None = Field(None, min_length=1)
    left_on: date | None = None


class PersonBody(BaseModel):
    """A person to be registered."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    duty: str = Field(min_length=1)
    phone: str | None = None


class CertificateBody(BaseModel):
    """证书, both days valid."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(min_length=1)
    number: str = Field(min_length=1)
    since: date
    until: date


def today_of(context: Context) -> date:
    """The day in Shanghai."""
    return context.clock.now().astimezone(SHANGHAI).date()


@router.get("/organisations")
def organisations(
    context: Context,
    request: Request,
    response: Response,
    asker: View,
    kind: str = "",
    q: Annotated[str, Query(max_length=100)] = "",
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[OrganisationRow]:
    with context.transaction(asker) as conn:
        found = store.organisations(conn, today_of(context), kind, q, after, limit)
    link_next(request, response, found[-1].id if len(found) == limit else None)
    return found


@router.post("/organisations", status_code=201)
def register(context: Context, body: OrganisationBody, asker: Register) -> OrganisationRow:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        number = create_organisation(conn, NewOrganisation(**body.model_dump(exclude={"reason"})), now)
        audit(conn, asker, "organisation.register", f"organisation:{number}", now, reason=body.reason)
        return store.require_organisation(conn, number, today_of(context))


@router.get("/organisations/{organisation_id}")
def one(context: Context, organisation_id: int, response: Response, asker: View) -> OrganisationRow:
    with context.transaction(asker) as conn:
        found = store.require_organisation(conn, organisation_id, today_of(context))
    response.headers["ETag"] = etag_of(found.changed_at)
    return found


@router.patch("/organisations/{organisation_id}")
def change(
    context: Context,
    organisation_id: int,
    body: OrganisationChange,
    response: Response,
    asker: Edit,
    if_match: IfMatch = None,
) -> OrganisationRow:
    values: dict[str, Any] = body.model_dump(exclude_unset=True, exclude={"reason"})
    with context.transaction(asker) as conn:
        before = store.require_organisation(conn, organisation_id, today_of(context))
        require_match(if_match, before.changed_at)
        found = store.update_organisation(conn, organisation_id, values, asker, body.reason, context.clock.now())
    response.headers["ETag"] = etag_of(found.changed_at)
    return found


@router.get("/organisations/{organisation_id}/licences")
def licences(context: Context, organisation_id: int, asker: View) -> list[Licence]:
    with context.transaction(asker) as conn:
        return store.licences(conn, organisation_id)


@router.post("/organisations/{organisation_id}/licences", status_code=201)
def add_licence(context: Context, organisation_id: int, body: LicenceBody, asker: Register) -> dict[str, int]:
    with context.transaction(asker) as conn:
        store.require_organisation(conn, organisation_id, today_of(context))
        new = NewLicence(organisation_id, **body.model_dump())
        return {"id": store.add_licence(conn, new, asker, context.clock.now())}


@router.get("/organisations/{organisation_id}/grades")
def grades(context: Context, organisation_id: int, asker: View) -> list[CreditGrade]:
    with context.transaction(asker) as conn:
        return store.grades(conn, organisation_id)


@router.post("/organisations/{organisation_id}/grades", status_code=201)
def add_grade(context: Context, organisation_id: int, body: GradeBody, asker: Register) -> list[CreditGrade]:
    with context.transaction(asker) as conn:
        store.require_organisation(conn, organisation_id, today_of(context))
        store.add_grade(conn, organisation_id, CreditGrade(**body.model_dump()), asker, context.clock.now())
        return store.grades(conn, organisation_id)


@router.get("/people")
def people(
    context: Context,
    request: Request,
    response: Response,
    asker: Annotated[Asker, Depends(permit("person.view"))],
    organisation: int | None = None,
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[PersonRow]:
    with context.transaction(asker) as conn:
        found = store.people(conn, organisation, after, limit)
    link_next(request, response, found[-1].id if len(found) == limit else None)
    return [as_seen(asker, one) for one in found]


def as_seen(asker: Asker, person: PersonRow) -> PersonRow:
    """The person with his telephone as this asker sees it."""
    return replace(person, phone=phone_for(asker, person.phone, person.organisation_id))


class PhoneReason(BaseModel):
    """Why the whole number is needed; it stands in the audit."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=2, max_length=500)


@dataclass(frozen=True, slots=True)
class Phone:
    """A whole number."""

    phone: str | None


def revealed(context: WebContext, asker: Asker, person_id: int, reason: str) -> Phone:
    """The whole number, with the reason in the audit of the same transaction."""
    with context.transaction(asker) as conn:
        found = store.require_person(conn, person_id)
        audit(conn, asker, "phone.reveal", f"person:{person_id}", context.clock.now(), reason=reason)
    return Phone(found.phone)


@router.post("/people/{person_id}/phone")
def reveal_phone(
    context: Context, person_id: int, body: PhoneReason, asker: Annotated[Asker, Depends(permit("phone.reveal"))]
) -> Phone:
    """The whole telephone of a person, which the list shows masked."""
    return revealed(context, asker, person_id, body.reason)


@router.post("/organisations/{organisation_id}/people", status_code=201)
def register_person(
    context: Context, organisation_id: int, body: PersonBody, asker: Annotated[Asker, Depends(permit("person.edit"))]
) -> PersonRow:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        store.require_organisation(conn, organisation_id, today_of(context))
        with store.refusals_in_words(conn):
            number = create_person(conn, organisation_id, body.name, body.phone, body.duty, None)
        audit(conn, asker, "person.register", f"person:{number}", now)
        return as_seen(asker, store.require_person(conn, number))


@router.get("/people/{person_id}")
def person(
    context: Context, person_id: int, response: Response, asker: Annotated[Asker, Depends(permit("person.view"))]
) -> PersonRow:
    with context.transaction(asker) as conn:
        found = store.require_person(conn, person_id)
    response.headers["ETag"] = etag_of(found.changed_at)
    return as_seen(asker, found)


@router.patch("/people/{person_id}")
def change_person(
    context: Context,
    person_id: int,
    body: PersonChange,
    response: Response,
    asker: Annotated[Asker, Depends(permit("person.edit"))],
    if_match: IfMatch = None,
) -> PersonRow:
    values = body.model_dump(exclude_unset=True, exclude={"reason"})
    with context.transaction(asker) as conn:
        require_match(if_match, store.require_person(conn, person_id).changed_at)
        found = store.update_person(conn, person_id, values, asker, body.reason, context.clock.now())
    response.headers["ETag"] = etag_of(found.changed_at)
    return as_seen(asker, found)


@router.post("/people/{person_id}/certificates", status_code=201)
def add_certificate(
    context: Context, person_id: int, body: CertificateBody, asker: Annotated[Asker, Depends(permit("person.edit"))]
) -> PersonRow:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        store.add_certificate(conn, person_id, body.kind, body.number, (body.since, body.until), now)
        audit(conn, asker, "certificate.add", f"person:{person_id}", now, reason=body.number)
        return as_seen(asker, store.require_person(conn, person_id))
