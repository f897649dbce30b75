"""A few units to ask about: jurisdictions, two firms, two use-units, and whoever may change them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from equipment.access import scope
from equipment.access.model import Asker, Role
from equipment.access.store import NewAccount, create_account
from equipment.city.build import credit_code
from equipment.foundation.database import Connection
from equipment.registry import store
from equipment.registry.model import NewUnit
from equipment.registry.store import NewOrganisation


@dataclass
class Register:
    """An empty register with its organisations."""

    conn: Connection
    now: datetime
    firms: list[int] = field(default_factory=list)
    use_units: list[int] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        store.load_jurisdictions(self.conn)
        self.firms = [self.organisation("maintenance_firm", f"甲乙丙{n}电梯") for n in range(3)]
        self.use_units = [self.organisation("use_unit", f"物业{n}") for n in range(2)]

    def organisation(self, kind: str, name: str, home: str = "341302") -> int:
        self.made += 1
        new = NewOrganisation(kind, name, home, credit_code("341302", self.made), "汴河路1号", "19900000001")
        return store.create_organisation(self.conn, new, self.now)

    def unit(self, number: int, **values: object) -> str:
        given: dict[str, object] = {
            "id": f"L{number:06d}", "kind": "lift", "variety_code": "3110", "name": f"汴河花园{number}栋电梯",
            "address": "埇桥区汴河中路8号", "jurisdiction_id": "341302-01", "place_name": "汴河花园",
            "building": f"{number}栋", "rescue_code": f"{130000 + number}", "device_code": f"3110100002019{number:05d}",
            "use_org_id": self.use_units[0], "firm_org_id": self.firms[0],
        }  # fmt: skip
        new = NewUnit(**(given | values))  # type: ignore[arg-type]
        store.create_unit(self.conn, new, self.now)
        return new.id

    def asker(self, role: Role, bound: str | int) -> Asker:
        """An account of that role; ``bound`` is a jurisdiction, or the id of an organisation."""
        self.made += 1
        organisation = bound if isinstance(bound, int) else None
        area = bound if isinstance(bound, str) else None
        login = f"{role.value}{self.made}"
        number = create_account(
            self.conn, NewAccount(login, login, "register-city-5", role, organisation, area), self.now
        )
        row = self.conn.execute("select path from equipment.jurisdiction where id = %s", (area,)).fetchone()
        return Asker(number, login, login, role, organisation, row[0] if row else None)


def as_scoped(conn: Connection, asker: Asker) -> None:
    """From here on the transaction has this asker's rights and scope."""
    conn.execute("set local role teshe_scoped")
    scope.apply(conn, asker)


def as_system(conn: Connection) -> None:
    """Back to the system's rights."""
    conn.execute("set local role teshe_system")
    conn.execute("select set_config('teshe.scope_kind', '', true), set_config('teshe.account', '', true)")
