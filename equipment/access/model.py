"""Who asks (访问者): role, organisation, jurisdiction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """角色. What each may do stands in ``matrix.yaml``."""

    DESK = "desk"
    """96366 应急台坐席."""
    FIRM_MANAGER = "firm_manager"
    """维保单位负责人."""
    FIRM_WORKER = "firm_worker"
    """维保作业人员."""
    USE_UNIT_DIRECTOR = "use_unit_director"
    """电梯安全总监."""
    USE_UNIT_OFFICER = "use_unit_officer"
    """电梯安全员."""
    INSPECTOR = "inspector"
    """监察员, a jurisdiction subtree."""
    REGULATOR = "regulator"
    """监管部门领导."""
    SYSTEM_ADMIN = "system_admin"
    """系统管理员."""
    SECURITY_ADMIN = "security_admin"
    """安全管理员: accounts and permissions."""
    AUDITOR = "auditor"
    """审计员: reads everything, changes nothing."""


class ScopeKind(Enum):
    """What bounds the rows a role sees."""

    JURISDICTION = "jurisdiction"
    FIRM = "firm"
    USE_UNIT = "use_unit"


SCOPE_OF = {
    Role.DESK: ScopeKind.JURISDICTION,
    Role.FIRM_MANAGER: ScopeKind.FIRM,
    Role.FIRM_WORKER: ScopeKind.FIRM,
    Role.USE_UNIT_DIRECTOR: ScopeKind.USE_UNIT,
    Role.USE_UNIT_OFFICER: ScopeKind.USE_UNIT,
    Role.INSPECTOR: ScopeKind.JURISDICTION,
    Role.REGULATOR: ScopeKind.JURISDICTION,
    Role.SYSTEM_ADMIN: ScopeKind.JURISDICTION,
    Role.SECURITY_ADMIN: ScopeKind.JURISDICTION,
    Role.AUDITOR: ScopeKind.JURISDICTION,
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever is behind a request, for the length of it.

    ``scope_path`` bounds a jurisdiction scope, ``organisation_id`` the two others.
    """

    account_id: int
    login: str
    display_name: str
    role: Role
    organisation_id: int | None
    scope_path: str | None

    @property
    def scope_kind(self) -> ScopeKind:
        """What bounds this asker's rows."""
        return SCOPE_OF[self.role]
