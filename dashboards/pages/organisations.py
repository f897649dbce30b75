"""单位: who keeps, uses and rescues, and what the register lacks of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from dashboards import words
from dashboards.api.etags import etag_of
from dashboards.api.organisations import as_seen, revealed
from dashboards.context import Context, permit
from dashboards.errors import NotFoundError
from dashboards.i18n import DEFAULT_LANGUAGE
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import filters
from dashboards.rendering import local
from equipment.access.matrix import permits
from equipment.access.model import Asker
from equipment.catalogue.varieties import jurisdictions
from equipment.contracts import store as contracts
from equipment.contracts.model import ContractFilter
from equipment.due.dates import Due, dated
from equipment.due.rules import rule_table
from equipment.foundation.database import Connection
from equipment.parties import store
from equipment.parties.model import PHONE_HOLDS, PhoneCheckFilter

router = APIRouter(include_in_schema=False)
ROSTER_AHEAD = timedelta(days=3)
SHOWN = 200
CHECKS = 5
SHORTEST_REASON = 2


@router.get("/organisations")
def organisations(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("organisation.view"))]
) -> Response:
    wanted = filters(request, "q", "kind", "after")
    after = int(wanted["after"]) if wanted["after"].isdigit() else 0
    with context.transaction(asker) as conn:
        found = store.organisations(
            conn, local(context.clock.now()).date(), wanted["kind"], wanted["q"], after, limit=51
        )
    return page(
        request,
        "pages/organisations.html",
        organisations=found[:50],
        next=found[49].id if len(found) > 50 else None,
        kinds=tuple(words.WORDS["organisation_kind"]),
        phone_since=context.clock.now() - PHONE_HOLDS,
        areas=[
            (j.id, j.zh if language_of(request) == DEFAULT_LANGUAGE else j.en)
            for j in jurisdictions().values()
            if j.kind in ("city", "district") and asker.scope_path is not None and j.path.startswith(asker.scope_path)
        ],
    )


@router.get("/organisations/{organisation_id}")
def organisation(
    request: Request,
    context: Context,
    organisation_id: int,
    asker: Annotated[Asker, Depends(permit("organisation.view"))],
) -> Response:
    now = context.clock.now()
    today = local(now).date()
    with context.transaction(asker) as conn:
        found = store.require_organisation(conn, organisation_id, today)
        values: dict[str, Any] = {
            "organisation": found,
            "licences": store.licences(conn, organisation_id),
            "grades": store.grades(conn, organisation_id),
            "shifts": store.shifts(conn, now, now + ROSTER_AHEAD, organisation=organisation_id)
            if permits(asker.role, "roster.view")
            else [],
            "checks": store.phone_checks(conn, PhoneCheckFilter(organisation_id), limit=CHECKS)
            if permits(asker.role, "roster.view")
            else [],
        }
        if permits(asker.role, "person.view"):
            values["people"] = [(as_seen(asker, p), due) for p, due in people(conn, organisation_id, today)]
        if permits(asker.role, "contract.view"):
            values["contracts"] = contracts.contracts(conn, today, ContractFilter(organisation_id), limit=SHOWN)
    values |= {"people": values.get("people"), "contracts": values.get("contracts")}
    own = asker.organisation_id in (None, organisation_id)
    return page(
        request, "pages/organisation.html", phone_since=now - PHONE_HOLDS, etag=etag_of(found.changed_at), etag_of=etag_of,
        editable=own and permits(asker.role, "organisation.edit"), licence_kinds=tuple(words.WORDS["licence_kind"]), **values,
    )  # fmt: skip


@router.post("/people/{person_id}/phone")
def reveal_phone(
    request: Request, context: Context, person_id: int, asker: Annotated[Asker, Depends(permit("phone.reveal"))],
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:  # fmt: skip
    """The whole number on a page of its own, which is not kept."""
    with context.transaction(asker) as conn:
        person = store.require_person(conn, person_id)
    if len(reason.strip()) < SHORTEST_REASON:
        return page(request, "pages/phone.html", status=422, person=person, phone=None)
    return page(
        request, "pages/phone.html", person=person, phone=revealed(context, asker, person_id, reason.strip()).phone
    )


def people(conn: Connection, organisation: int, today: date) -> list[tuple[Any, Due | None]]:
    """People with how long their certificate holds; None where they have none."""
    rule = rule_table().dates["certificate"]
    return [
        (p, dated("certificate", p.certificate_valid_to, rule, today) if p.certificate_no else None)
        for p in store.present(conn, organisation, today, SHOWN)
    ]


@router.get("/register")
def register(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("register_gaps.view"))]
) -> Response:
    """What the register lacks: every count leads to its rows."""
    what = filters(request, "what")["what"] or store.GAPS[0]
    if what not in store.GAPS:
        raise NotFoundError("No such work list.")
    now = context.clock.now()
    with context.transaction(asker) as conn:
        counts = store.gap_counts(conn, now)
        found = store.gaps(conn, what, now, SHOWN)
    return page(request, "pages/register.html", counts=counts, what=what, gaps=found, most=SHOWN)
