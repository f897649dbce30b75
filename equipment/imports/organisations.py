"""Organisations as files name them: by credit code, else by name; registered when that was allowed."""

from __future__ import annotations

from datetime import datetime

from equipment.foundation.database import Connection
from equipment.imports.plan import FoundOrganisation, OrganisationKey
from equipment.imports.store import QUERIES
from equipment.registry.store import NewOrganisation, create_organisation

REGISTER = "核对名称；或允许导入时登记新单位 (look at the name; or allow that new ones are registered)"


def find_organisations(conn: Connection, job_id: int, *, create: bool) -> dict[OrganisationKey, FoundOrganisation]:
    """Every organisation that the rows of a job name."""
    stated = [(r[0], r[1], r[2]) for r in conn.execute(QUERIES.stated_organisations, {"job": job_id})]
    codes, names = sorted({c for _, _, c in stated if c}), sorted({n for _, n, _ in stated if n})
    by_code = {r[0]: (r[1], r[2], r[3]) for r in conn.execute(QUERIES.organisations_by_code, (codes,))}
    by_name: dict[tuple[str, str], list[tuple[int, str | None]]] = {}
    for name, kind, no, code in conn.execute(QUERIES.organisations_by_name, (names,)):
        by_name.setdefault((kind, name), []).append((no, code))
    wanted_twice = _codes_of_several_names(stated)
    found = {}
    for kind, name, code in stated:
        if code in wanted_twice and code not in by_code:
            found[kind, name, code] = FoundOrganisation(
                why=f"文件中代码 {code} 用于不同的单位 (one code, several names)",
                remedy="核对统一社会信用代码 (look at the codes)",
            )
        elif code is not None and code in by_code:
            no, _, registered = by_code[code]
            note = (
                f"该代码登记的名称是 {registered} (registered under another name)"
                if name and name != registered
                else ""
            )
            found[kind, name, code] = FoundOrganisation(no, note=note)
        else:
            found[kind, name, code] = _by_name(by_name.get((kind, name or ""), []), name, code, create=create)
    return found


def _codes_of_several_names(stated: list[OrganisationKey]) -> set[str]:
    names: dict[str, set[str]] = {}
    for _, name, code in stated:
        if code and name:
            names.setdefault(code, set()).add(name)
    return {code for code, several in names.items() if len(several) > 1}


def _by_name(
    registered: list[tuple[int, str | None]], name: str | None, code: str | None, *, create: bool
) -> FoundOrganisation:
    if code is not None:
        # the same name under another code is another organisation; one without a code may be the same
        registered = [(no, theirs) for no, theirs in registered if theirs is None]
    if len(registered) == 1:
        return FoundOrganisation(registered[0][0])
    if len(registered) > 1:
        return FoundOrganisation(
            why="有多个同名单位 (several have this name)", remedy="填写统一社会信用代码 (give its credit code)"
        )
    if name is None:
        return FoundOrganisation(
            why="没有此代码的单位 (no organisation has this code)", remedy="同时填写单位名称 (give its name too)"
        )
    if create:
        return FoundOrganisation(create=True)
    return FoundOrganisation(why="单位未登记 (not registered)", remedy=REGISTER)


def create_planned(conn: Connection, job_id: int, now: datetime) -> int:
    """Register the organisations that planned rows wait for; returns how many.

    Those that were registered since (also by a run of this job that was killed) are not registered twice.
    """
    wanted = conn.execute(QUERIES.organisations_to_create, {"job": job_id}).fetchall()
    found = find_organisations(conn, job_id, create=True)
    codes: set[str] = set()
    names: set[tuple[str, str]] = set()
    # those with a code first: a row that gives the name alone means the same one
    for kind, name, code, jurisdiction in sorted(wanted, key=lambda row: row[2] is None):
        known = found[kind, name, code]
        if not known.create or code in codes or (code is None and (kind, name) in names):
            continue
        create_organisation(conn, NewOrganisation(kind, name, jurisdiction, code), now)
        names.add((kind, name))
        if code is not None:
            codes.add(code)
    return len(names)
