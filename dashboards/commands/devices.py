"""``teshe devices``: credentials of terminals, the broker's authorisation files, and the broker's certificate."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from dashboards.composition import require_database
from equipment.access.store import Change, audit_many
from equipment.credentials import certificates, store
from equipment.credentials.store import Secret
from equipment.foundation.clock import SHANGHAI, SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings
from ingest.credentials import authorisation
from ingest.credentials.runner import write_files
from ingest.credentials.settings import CredentialSettings

app = typer.Typer(no_args_is_help=True, help="终端凭证: issue, rotate, revoke; what the broker is told.")
Folder = Annotated[Path, typer.Argument(help="The broker's folder.", file_okay=False)]


@contextmanager
def _transaction() -> Iterator[Connection]:
    url = require_database(FoundationSettings())
    with (
        connect(url, DatabaseRole.SYSTEM, application_name="teshe-devices", autocommit=True) as conn,
        conn.transaction(),
    ):
        yield conn


def _issue(units: Sequence[str], everyone: bool, overlap: timedelta, action: str) -> list[Secret]:
    now = SystemClock().now()
    with _transaction() as conn:
        wanted = [*units, *(store.without(conn, now) if everyone else ())]
        made = [store.issue(conn, unit, now, overlap) for unit in dict.fromkeys(wanted)]
        said = [(action, f"unit:{one.unit_id}", Change(after={"credential": one.name})) for one in made]
        audit_many(conn, None, said, now)
    return made


def _hand_over(made: Sequence[Secret], out: Path | None) -> None:
    """Show the secrets, or write them into a file for their owner only; they are kept nowhere else."""
    if out is None:
        for one in made:
            typer.echo(f"{one.name}  {one.secret}")
    else:
        out.touch(mode=0o600)
        with out.open("w", encoding="utf-8-sig", newline="") as handle:
            csv.writer(handle).writerows(
                [("unit", "username", "password"), *((o.unit_id, o.name, o.secret) for o in made)]
            )
    typer.echo(f"{len(made)} credentials issued; the secrets are shown this once{'' if out is None else f', in {out}'}")


@app.command("issue")
def issue(
    units: Annotated[list[str] | None, typer.Argument(help="Ids of units.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every unit with a terminal that has none.")] = False,
    out: Annotated[Path | None, typer.Option(help="A CSV file instead of the screen.", dir_okay=False)] = None,
) -> None:
    """Issue a credential for the terminal of each unit."""
    if not units and not everyone:
        raise typer.BadParameter("name units, or --all")
    _hand_over(_issue(units or (), everyone, store.OVERLAP, "device.issue"), out)


@app.command("rotate")
def rotate(
    units: list[str],
    overlap_hours: Annotated[float, typer.Option(min=0, max=24 * 90, help="The old one holds for so long.")] = 72,
    out: Annotated[Path | None, typer.Option(help="A CSV file instead of the screen.", dir_okay=False)] = None,
) -> None:
    """Issue a fresh credential; the old one holds until a technician has reached the terminal."""
    _hand_over(_issue(units, everyone=False, overlap=timedelta(hours=overlap_hours), action="device.rotate"), out)


@app.command("revoke")
def revoke(
    unit: str,
    reason: Annotated[str, typer.Option(help="Why; stands in the audit.")],
    name: Annotated[str, typer.Option(help="One credential; default: all of the unit.")] = "",
) -> None:
    """End credentials at once; the broker ends their connections within seconds."""
    now = SystemClock().now()
    with _transaction() as conn:
        ended = store.revoke(conn, unit, name, reason, now)
        audit_many(
            conn, None, [("device.revoke", f"unit:{unit}", Change(reason, after={"credential": name or "*"}))], now
        )
    typer.echo(f"{ended} credentials ended")


@app.command("list")
def listing(unit: str) -> None:
    """A unit's credentials."""
    now = SystemClock().now()
    with _transaction() as conn:
        found = store.of_unit(conn, unit)
    for one in found:
        state = "holds" if one.holds(now) else "revoked" if one.revoked_at else "over"
        until = f" until {one.ends_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if one.ends_at and one.holds(now) else ""
        typer.echo(f"{one.name}  {state}{until}  {one.revoked_reason or ''}".rstrip())
    if not found:
        typer.echo(f"{unit} has no credential")


@app.command("authorise")
def authorise(
    folder: Folder,
    first: Annotated[bool, typer.Option("--first", help="Only what a broker needs for its first start.")] = False,
) -> None:
    """Write the broker's files now; ``teshe upkeep`` keeps them in step by itself (TESHE_BROKER_AUTH_DIR)."""
    authorisation.prepare(folder)
    if first:
        typer.echo(f"{folder} is ready for the broker's first start")
        return
    settings, foundation = CredentialSettings(), FoundationSettings()
    with _transaction() as conn:
        count = write_files(conn, folder, settings.broker_kind, foundation.broker_password, SystemClock().now())
    typer.echo(f"{count} credentials written to {folder} for {settings.broker_kind}: let the broker reload")


@app.command("certificates")
def make_certificates(
    folder: Folder, hosts: Annotated[list[str], typer.Option("--host", help="Name or address; may be repeated.")]
) -> None:
    """Make a local authority, if there is none, and a certificate for the broker; turns TLS on in NATS's files."""
    now = SystemClock().now()
    made = certificates.make_authority(folder, "teshe local authority", now)
    certificates.make_server(folder, hosts, now)
    authorisation.require_tls(folder)
    what = "an authority (ca.pem, ca.key) and a certificate" if made else "a certificate"
    typer.echo(f"{folder}: made {what} for {', '.join(hosts)}; give ca.pem to terminals and set TESHE_BROKER_CA_FILE")
