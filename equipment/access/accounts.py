"""账号管理: accounts are made with a one-time code, disabled and reset; whoever does it learns no password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.errors import CheckViolation, ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from psycopg.rows import class_row

from equipment.access import store
from equipment.access.model import SCOPE_OF, Role, ScopeKind
from equipment.catalogue.varieties import jurisdictions
from equipment.errors import AccountInputError, OutOfScopeError, UnknownAccountError
from equipment.foundation.database import Connection

CODE_LIFETIME = timedelta(hours=72)
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without I, O, 0 and 1: the code is read out and typed."""
CODE_GROUPS, CODE_GROUP = 4, 5
ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR})
"""三员: whoever holds one of them holds no other."""
FIRST_LOGIN = "security"


@dataclass(frozen=True, slots=True)
class AccountWish:
    """An account to be made: role x jurisdiction x organisation x validity.

    ``holder`` is the 工号 of whoever holds it; the three administrators' accounts need it.
    """

    login: str
    display_name: str
    role: Role
    organisation_id: int | None = None
    jurisdiction_id: str | None = None
    valid_until: datetime | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its administrator sees it: no secret, nor anything made from one."""

    id: int
    login: str
    display_name: str
    role: str
    organisation_id: int | None
    jurisdiction_id: str | None
    holder: str | None
    active: bool
    must_change: bool
    valid_until: datetime | None
    locked_until: datetime | None
    disabled_reason: str | None
    created_at: datetime


def one_time_code() -> str:
    """Twenty letters in four groups: 100 bits."""
    return "-".join("".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_GROUP)) for _ in range(CODE_GROUPS))


def create(conn: Connection, wish: AccountWish, now: datetime) -> tuple[int, str]:
    """Make an account; its id and the one-time code, which is not kept.

    Raises
    ------
    AccountInputError
        The login is taken, the validity is over, or the holder holds another administrator's account.
    OutOfScopeError
        The role's bound is missing, or lies outside of whoever asks.
    """
    holder = (wish.holder or "").strip().upper() or None
    _check(wish, holder, now)
    code = one_time_code()
    values = (
        wish.login.strip(), wish.display_name.strip(), store.hash_of(code), wish.role.value, wish.organisation_id,
        wish.jurisdiction_id, wish.valid_until, holder, now + CODE_LIFETIME, now,
    )  # fmt: skip
    try:
        row = conn.execute(store.QUERIES.add_account, values).fetchone()
    except UniqueViolation as error:
        if error.diag.constraint_name == "account_separated":
            raise store.separated() from None
        raise AccountInputError(f"账号 {wish.login} 已被使用 (the login is taken)") from None
    except ForeignKeyViolation:
        raise AccountInputError("没有这个单位或辖区 (no such organisation or jurisdiction)") from None
    except InsufficientPrivilege:
        raise OutOfScopeError("只能在自己的辖区内建账号 (accounts are made inside your own jurisdiction)") from None
    except CheckViolation as error:
        raise AccountInputError(f"不合格的值 (not valid): {error.diag.constraint_name}") from None
    return (int(row[0]) if row else 0), code


def _check(wish: AccountWish, holder: str | None, now: datetime) -> None:
    area = SCOPE_OF[wish.role] is ScopeKind.JURISDICTION
    if (wish.jurisdiction_id if area else wish.organisation_id) is None:
        what = "辖区 (this role needs a jurisdiction)" if area else "单位编号 (this role needs an organisation)"
        raise OutOfScopeError(f"该角色须指定{what}")
    if not wish.login.strip() or not wish.display_name.strip():
        raise AccountInputError("账号和姓名不能为空 (login and name are needed)")
    if wish.role in ADMINISTRATORS and holder is None:
        raise AccountInputError(
            "管理员账号须填写工号 (an administrator's account needs the staff number of its holder)"
        )
    if wish.valid_until is not None and wish.valid_until <= now:
        raise AccountInputError("有效期已过 (the validity is over already)")


def reset(conn: Connection, account_id: int, now: datetime) -> str:
    """A fresh one-time code; the old password, all sessions and all tokens of the account end.

    Raises
    ------
    AccountInputError
        It is one's own account, or disabled.
    """
    code = one_time_code()
    # whoever lost the telephone begins anew there too
    conn.execute(store.QUERIES.drop_factor, (account_id,))
    conn.execute(store.QUERIES.unlink_subjects, (account_id,))
    row = conn.execute(
        store.QUERIES.reset_account, (account_id, store.hash_of(code), now + CODE_LIFETIME, now)
    ).fetchone()
    if row is None or not row[0]:
        raise AccountInputError(
            "不能重置：账号已停用或是本人账号 (disabled, or your own: change your own password instead)"
        )
    return code


def disable(conn: Connection, account_id: int, reason: str, now: datetime) -> None:
    """End an account at once, with its sessions and tokens.

    Raises
    ------
    AccountInputError
        It is one's own, disabled already, or the last security administrator's.
    """
    row = conn.execute(store.QUERIES.disable_account, (account_id, reason, now)).fetchone()
    if row is None or not row[0]:
        raise AccountInputError(
            "不能停用：已停用、本人账号或最后一名安全管理员"
            " (disabled already, your own, or the last security administrator: make another first)"
        )


def listing(conn: Connection) -> list[Account]:
    """The accounts that whoever asks may see."""
    with conn.cursor(row_factory=class_row(Account)) as cursor:
        return cursor.execute(store.QUERIES.accounts).fetchall()


def by_id(conn: Connection, account_id: int) -> Account:
    """One account.

    Raises
    ------
    UnknownAccountError
    """
    with conn.cursor(row_factory=class_row(Account)) as cursor:
        found = cursor.execute(store.QUERIES.account_by_id, (account_id,)).fetchone()
    if found is None:
        raise UnknownAccountError(f"没有账号 {account_id} (no such account)")
    return found


def by_login(conn: Connection, login: str) -> Account:
    """One account by its name.

    Raises
    ------
    UnknownAccountError
    """
    with conn.cursor(row_factory=class_row(Account)) as cursor:
        found = cursor.execute(store.QUERIES.account_by_login, (login,)).fetchone()
    if found is None:
        raise UnknownAccountError(f"没有账号 {login} (no such account)")
    return found


def first_run(conn: Connection, now: datetime) -> str | None:
    """The one-time code of the first security administrator; None when the installation has accounts already.

    Whose account it is, he says himself when he sets his password.
    """
    row = conn.execute(store.QUERIES.has_accounts).fetchone()
    if row is None or row[0]:
        return None
    city = next(j.id for j in jurisdictions().values() if j.parent is None)
    code = one_time_code()
    conn.execute(
        store.QUERIES.add_account,
        (FIRST_LOGIN, "安全管理员", store.hash_of(code), Role.SECURITY_ADMIN.value, None, city, None, None,
         now + CODE_LIFETIME, now),
    )  # fmt: skip
    return code
