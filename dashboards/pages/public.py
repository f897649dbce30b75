"""扫码公示: is this lift looked after? What anyone reads who scans the plate, and what he can say; no login, nothing to install.

The form works without a script: it is opened in the browser of a messenger, in a basement, by somebody in a hurry.
"""

from __future__ import annotations

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from alarms.desk import qr
from alarms.desk.qr import Outcome
from alarms.desk.settings import QrSettings
from dashboards.context import Context
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import QUERIES, row
from dashboards.words import N_

router = APIRouter(include_in_schema=False)
PLATE_DIGITS = 6
SENT = (Outcome.TAKEN, Outcome.KNOWN)
TOO_MANY = {
    Outcome.LIFT: N_("The desk has received several reports about this lift and is dealing with them."),
    Outcome.SENDER: N_("Too many reports have come from your network within a few minutes."),
    Outcome.SENDER_LIFT: N_("Your reports about this lift have arrived. More than these are not taken at once."),
}


@router.get("/lift")
def find(request: Request) -> Response:
    """By the six digits, typed."""
    plate = "".join(c for c in request.query_params.get("plate", "") if c.isdigit())[:PLATE_DIGITS]
    if len(plate) == PLATE_DIGITS:
        return RedirectResponse(f"/lift/{plate}", status_code=303)
    return page(request, "pages/public.html", lift=None, plate=plate)


@router.get("/lift/{plate}")
def lift(request: Request, context: Context, plate: str) -> Response:
    with context.transaction(None) as conn:
        found = row(conn, QUERIES.public_unit, (plate[:PLATE_DIGITS],))
    return page(request, "pages/public.html", status=200 if found else 404, lift=found, plate=plate[:20])


@router.get("/lift/{plate}/report")
def report_form(request: Request, context: Context, plate: str) -> Response:
    """我要报告: the form, or what became of it."""
    with context.transaction(None) as conn:
        found = row(conn, QUERIES.public_unit, (plate[:PLATE_DIGITS],))
    if found is None:
        return page(request, "pages/public.html", status=404, lift=None, plate=plate[:20])
    sent = request.query_params.get("sent", "")
    if sent in qr.KINDS:
        return page(request, "pages/public_sent.html", lift=found, sent=sent)
    kind = request.query_params.get("kind", "")
    return page(
        request, "pages/public_report.html", lift=found, form=secrets.token_hex(qr.FORM_LETTERS // 2), problems={},
        said={"kind": kind if kind in qr.KINDS else "", "words": "", "phone": ""}, why="", again=False,
    )  # fmt: skip


@router.post("/lift/{plate}/report")
def report(
    request: Request,
    context: Context,
    plate: str,
    form: Annotated[str, Form(max_length=64)] = "",
    kind: Annotated[str, Form(max_length=20)] = "",
    words: Annotated[str, Form(max_length=5_000)] = "",
    phone: Annotated[str, Form(max_length=100)] = "",
    homepage: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    """Keep what was said. Whatever is wrong, the form comes back with everything that was typed.

    ``homepage`` is a field that people do not see: what fills it in is asked to send once more, and so is nobody lost.
    """
    now = context.clock.now()
    number = form if len(form) == qr.FORM_LETTERS and form.isalnum() else secrets.token_hex(qr.FORM_LETTERS // 2)
    said = qr.Report(number, plate[:PLATE_DIGITS], kind, words, phone.strip(), _sender(request))
    problems = {name: _in_one(text, language_of(request)) for name, text in qr.problems_of(said).items()}
    outcome: Outcome | None = None
    with context.transaction(None) as conn:
        found = row(conn, QUERIES.public_unit, (plate[:PLATE_DIGITS],))
        if found is not None and not problems and not homepage:
            outcome = qr.take(conn, said, QrSettings(), now)
    if found is None:
        return page(request, "pages/public.html", status=404, lift=None, plate=plate[:20], words=words)
    if outcome in SENT:
        return RedirectResponse(f"/lift/{said.plate}/report?sent={kind}", status_code=303)
    status = 422 if problems else 429 if outcome is not None else 200
    return page(
        request, "pages/public_report.html", status=status, lift=found, form=number, problems=problems,
        said={"kind": kind, "words": words, "phone": phone}, why=TOO_MANY.get(outcome, "") if outcome else "",
        again=bool(homepage),
    )  # fmt: skip


def _in_one(text: str, language: str) -> str:
    """One half of a message in two languages: a passenger reads his own.

    >>> _in_one("请写明情况 (say what happened)", "en")
    'say what happened'
    """
    found = re.fullmatch(r"(.+?) \((.+)\)", text)
    if found is None:
        return text
    return found[1] if language == "zh-CN" else found[2]


def _sender(request: Request) -> str:
    """Where it comes from, for the limits; behind a proxy the server has read the proxy's word (FORWARDED_ALLOW_IPS)."""
    return request.client.host if request.client else "unknown"
