"""``teshe verify``: does what was recorded still say what it said?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dashboards.composition import require_database
from dashboards.verification import LOOKUPS
from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings
from equipment.transparency.errors import LogDamagedError
from equipment.transparency.inspection import inspect
from maintenance import bundle as bundles

BROKEN = 1


def verify_command(
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="A bundle; needs no server.")] = None,
    database: Annotated[bool, typer.Option("--database", help="The whole log of the configured database.")] = False,
    key: Annotated[str | None, typer.Option(help="Id of the server's key that must have signed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of words.")] = False,
) -> None:
    """验证: a bundle offline, or the database against its log. Exit 1 names the first thing that does not hold."""
    if (file is None) == (not database):
        raise typer.BadParameter("give either a bundle's file or --database")
    try:
        found = _bundle(file, key) if file is not None else _database()
    except LogDamagedError as error:
        typer.echo(json.dumps({"holds": False, "first": str(error)}, ensure_ascii=False) if as_json else f"✗ {error}")
        raise typer.Exit(BROKEN) from None
    erased = found.get("erased_by_law", found.get("erased", 0))
    if erased and not as_json:
        typer.echo(f"已依法删除 {erased} 项 (erased by law, the log is whole)")
    typer.echo(
        json.dumps(found, ensure_ascii=False) if as_json else "✓ " + "  ".join(f"{k}={v}" for k, v in found.items())
    )


def _bundle(file: Path, key: str | None) -> dict[str, object]:
    return dict(bundles.summary(bundles.verify(bundles.read(file.read_bytes()), key)))


def _database() -> dict[str, object]:
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-verify") as conn:
        conn.execute("set transaction isolation level repeatable read, read only")
        return {"holds": True, **asdict(inspect(conn, LOOKUPS))}
