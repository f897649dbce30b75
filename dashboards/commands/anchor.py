"""``teshe anchor``: checkpoints of the log under the clock and key of a time-stamping authority."""

from __future__ import annotations

import typer

from dashboards.composition import require_database
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings
from equipment.transparency.entry import utc_text
from maintenance.anchors import service
from maintenance.anchors.settings import AnchorSettings

app = typer.Typer(no_args_is_help=True, help="时间戳: the log under an authority's clock (RFC 3161).")


@app.command("now")
def now_command() -> None:
    """Let the newest checkpoint be stamped."""
    settings = AnchorSettings()
    if not settings.address:
        raise typer.BadParameter("set TESHE_TSA_ADDRESS and TESHE_TSA_CERTIFICATES first")
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-anchor", autocommit=True) as conn:
        made = service.anchor(conn, service.sender(settings), service.trusted(settings), SystemClock().now())
    if made is None:
        typer.echo("尚无检查点 (there is no checkpoint yet)")
    else:
        typer.echo(f"{made.size}  {utc_text(made.stamped_at)}  {made.authority}")


@app.command("list")
def list_command() -> None:
    """Every anchored checkpoint: its size, when it was stamped, by whom."""
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-anchor", autocommit=True) as conn:
        found = service.anchors(conn)
    for one in found:
        typer.echo(f"{one.size:>12}  {utc_text(one.stamped_at)}  {one.authority}")
    if not found:
        configured = bool(AnchorSettings().address)
        typer.echo(
            "尚无时间戳 (none yet)"
            if configured
            else "未配置时间戳机构 (no authority is configured: TESHE_TSA_ADDRESS)"
        )
