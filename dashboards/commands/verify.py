"""``teshe verify``: does what was recorded still say what it said?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from cryptography.x509 import Certificate

from dashboards.composition import require_database
from dashboards.verification import inspect_whole
from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings
from equipment.transparency.errors import LogDamagedError
from maintenance import bundle as bundles
from maintenance.anchors import service as anchors
from maintenance.anchors import token
from maintenance.errors import AnchorError

BROKEN = 1


def verify_command(
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="A bundle; needs no server.")] = None,
    database: Annotated[bool, typer.Option("--database", help="The whole log of the configured database.")] = False,
    key: Annotated[str | None, typer.Option(help="Id of the server's key that must have signed.")] = None,
    tsa: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="PEM of the time-stamping authority: its time-stamp must hold."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of words.")] = False,
) -> None:
    """验证: a bundle offline, or the database against its log. Exit 1 names the first thing that does not hold."""
    if (file is None) == (not database):
        raise typer.BadParameter("give either a bundle's file or --database")
    try:
        authority = () if tsa is None else token.certificates(tsa.read_bytes())
        found = _bundle(file, key, authority) if file is not None else _database(authority)
    except (LogDamagedError, AnchorError) as error:
        typer.echo(json.dumps({"holds": False, "first": str(error)}, ensure_ascii=False) if as_json else f"✗ {error}")
        raise typer.Exit(BROKEN) from None
    erased = found.get("erased_by_law", found.get("erased", 0))
    if erased and not as_json:
        typer.echo(f"已依法删除 {erased} 项 (erased by law, the log is whole)")
    typer.echo(
        json.dumps(found, ensure_ascii=False) if as_json else "✓ " + "  ".join(f"{k}={v}" for k, v in found.items())
    )


def _bundle(file: Path, key: str | None, authority: tuple[Certificate, ...]) -> dict[str, object]:
    return dict(bundles.summary(bundles.verify(bundles.read(file.read_bytes()), key, authority=authority)))


def _database(authority: tuple[Certificate, ...]) -> dict[str, object]:
    url = require_database(FoundationSettings())
    found: dict[str, object] = {"holds": True, **asdict(inspect_whole(url))}
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-verify") as conn:
        if authority:
            return found | {"stamps_checked": anchors.check_all(conn, authority)}
        return found | {"stamps_unchecked": len(anchors.anchors(conn))}
