"""One turn of the link on either side: make, lay down, fetch, check, apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from equipment.errors import BundleError
from equipment.foundation import metrics
from equipment.foundation.database import Connection
from equipment.foundation.logs import get_logger
from equipment.link import folder, store
from equipment.link.model import Side, unpack
from equipment.link.settings import LinkSettings
from equipment.link.store import Apply
from equipment.transparency.keys import Signer

log = get_logger("equipment.link")
MOST_BUNDLES = 200
"""Of one turn: the loop looks at its stop signal between turns."""
age_gauge = metrics.gauge("teshe_link_age_seconds", "How old the other zone's newest applied news is [s]")
waiting_gauge = metrics.gauge("teshe_link_unconfirmed_bundles", "Bundles that the other zone has not confirmed")
blocked_gauge = metrics.gauge("teshe_link_blocked", "1 while the next bundle of the other zone cannot be applied")
applied_total = metrics.counter("teshe_link_bundles_applied_total", "Bundles of the other zone applied")
entries_total = metrics.counter("teshe_link_entries_applied_total", "Entries of the other zone applied")


@dataclass(slots=True)
class Link:
    """One side. ``apply`` does what a bundle's entries say; ``peer_key`` is the other side's public key."""

    side: Side
    settings: LinkSettings
    signer: Signer
    peer_key: bytes
    apply: Apply
    laid: dict[int, datetime] = field(default_factory=dict)

    def turn(self, conn: Connection, now: datetime, carried: Callable[[], bool] = lambda: True) -> int:
        """Send and fetch once; returns how many bundles were applied. ``conn`` commits by itself.

        Parameters
        ----------
        carried
            Asked between two bundles: False ends the turn early.
        """
        heartbeat = timedelta(seconds=self.settings.heartbeat_seconds)
        for _ in range(MOST_BUNDLES):
            if not store.make(conn, self.signer, heartbeat, now):
                break
        resend = timedelta(seconds=self.settings.resend_seconds)
        folder.lay_down(self.settings.send_dir, self.side, store.waiting(conn), self.laid, resend, now)
        applied = self._fetch(conn, now, carried)
        self._tell(conn, now)
        return applied

    def _fetch(self, conn: Connection, now: datetime, carried: Callable[[], bool]) -> int:
        applied = 0
        files = folder.arrived(self.settings.receive_dir, self.side.other, store.next_number(conn))
        for number, file in files[:MOST_BUNDLES]:
            content = folder.read(file)
            if content is None or not carried():
                break
            try:
                bundle = unpack(content, self.side.other, self.peer_key)
                if bundle.head.number != number:
                    raise BundleError(
                        f"文件名与编号不符 (the file is called {number}, the bundle {bundle.head.number})"
                    )
                confirmed = store.apply(conn, bundle, self.apply, now)
            except BundleError as error:
                # it is kept: the right file may still come, and whoever looks into it needs the wrong one
                log.error("bundle_not_taken", number=number, error=str(error))
                store.note_problem(conn, str(error), now)
                blocked_gauge.set(1)
                return applied
            folder.clear(self.settings.send_dir, self.side, confirmed, self.laid)
            file.unlink(missing_ok=True)
            applied += 1
            entries_total.inc(len(bundle.entries))
            applied_total.inc()
        if applied or not files:
            blocked_gauge.set(0)
        return applied

    def _tell(self, conn: Connection, now: datetime) -> None:
        with conn.transaction():
            standing = store.standing(conn)
            waiting_gauge.set(store.backlog(conn).bundles)
        if standing is not None:
            age_gauge.set(standing.age_seconds(now))
