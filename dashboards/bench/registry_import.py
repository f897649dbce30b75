"""Rows per second of an import: a file of new units read, checked as a trial, applied; and the same file exported and taken back."""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboards.bench.services import bench_database, bench_folder, conditions
from equipment.city import names
from equipment.city.build import credit_code
from equipment.foundation.clock import Clock, SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.tables import write_csv, write_xlsx
from equipment.imports import store
from equipment.imports.columns import columns
from equipment.imports.export import ExportFilter, write_units
from equipment.imports.model import ImportOptions
from equipment.imports.runner import Importer
from equipment.imports.settings import ImportSettings
from equipment.registry.store import load_jurisdictions

ROWS = 100_000
SEED = 11
FIELDS = tuple(name for name in columns() if name not in ("source_key", "parameters"))
OFFICES = ("341302-01", "341302-02", "341321-01", "341322-01", "341323-01", "341324-01")


def synthetic_rows(count: int, seed: int = SEED) -> Iterator[list[str]]:
    """Rows of new lifts with every column filled, 1 row in 100 with a wrong value."""
    rng = random.Random(seed)  # noqa: S311  # a simulation, nothing secret
    for number in range(1, count + 1):
        year = rng.randint(2005, 2024)
        use, firm = rng.randrange(max(8, count // 20)), rng.randrange(len(names.FIRMS))
        place, bad = rng.choice(names.PLACES), number % 100 == 0
        values = {
            "variety_code": "3110", "id": f"B{number:07d}", "device_code": f"3110{10890}{year}{number % 100_000:05d}" if number < 100_000 else "",
            "registration_code": f"3110341302{year}05{number % 10_000:04d}" if number < 10_000 else "",
            "certificate_no": f"梯11皖L{number:06d}({year % 100:02d})", "rescue_code": f"{number % 1_000_000:06d}",
            "internal_no": f"{number % 40 + 1}#", "name": f"{place}{number}号梯", "place_name": place, "building": f"{number % 28 + 1}栋",
            "entrance": f"{number % 3 + 1}单元", "address": f"{rng.choice(names.STREETS)}{number}号", "jurisdiction_id": rng.choice(OFFICES),
            "lon": f"{116.9 + rng.random() / 10:.6f}", "lat": f"{33.6 + rng.random() / 10:.6f}", "datum": "WGS-84",
            "use_org": f"宿州测试物业{use:05d}", "use_org_code": credit_code("341300", use + 1), "firm_org": f"宿州测试电梯{firm}",
            "firm_org_code": credit_code("341302", firm + 900_000), "status": "在用", "manufacturer": rng.choice(names.MAKERS),
            "make_date": f"{year}-0{rng.randint(1, 9)}-15", "first_use_date": "2019-02-30" if bad else f"{year + 1}-03-01",
            "device_model": "TS-L2", "insurance_valid_to": "2026-12-31", "rated_speed_m_s": "1.75", "rated_load_kg": "1000", "floors": "18",
        }  # fmt: skip
        yield [values[name] for name in FIELDS]


def _run(
    conn: Connection, beside: Connection, clock: Clock, path: Path, options: ImportOptions
) -> tuple[dict[str, float], dict[str, int]]:
    phases: dict[str, float] = {}
    last = clock.monotonic()

    def show(phase: str, done: int, total: int) -> None:
        nonlocal last
        phases[phase] = phases.get(phase, 0.0) + clock.monotonic() - last
        last = clock.monotonic()

    importer = Importer(conn, clock, ImportSettings(), show, beside)
    began = clock.monotonic()
    with conn.transaction():
        sent = store.submission(path, path.name, ImportSettings().most_bytes)
        job, _ = store.submit(conn, sent, options, None, clock.now())
    importer.run(job)
    trial = clock.monotonic() - began
    with conn.transaction():
        store.request_apply(conn, job, clock.now())
    importer.run(job)
    whole = clock.monotonic() - began
    figures = {"trial_s": round(trial, 2), "whole_s": round(whole, 2)}
    figures |= {f"{name}_s": round(seconds, 2) for name, seconds in phases.items()}
    return figures, store.require_job(conn, job).counts


def measure(rows: int = ROWS, *, xlsx: bool = False, server: str | None = None) -> dict[str, Any]:
    """Import ``rows`` new units into an empty registry; ``import_rows_per_s`` counts trial and writing together.

    Parameters
    ----------
    server
        URL of a server to measure on; by default an embedded one of its own.
    """
    clock = SystemClock()
    with bench_folder() as folder, bench_database(folder, server) as url:
        header = [columns()[name].zh for name in FIELDS]
        path = folder / ("units.xlsx" if xlsx else "units.csv")
        if xlsx:
            write_xlsx(path, header, synthetic_rows(rows), "units")
        else:
            write_csv(path, header, synthetic_rows(rows))
        with (
            connect(url, DatabaseRole.SYSTEM, application_name="bench", autocommit=True) as conn,
            connect(url, DatabaseRole.SYSTEM, application_name="bench-2", autocommit=True) as beside,
        ):
            with conn.transaction():
                load_jurisdictions(conn)
            figures, counts = _run(conn, beside, clock, path, ImportOptions(create_organisations=True))
            again = folder / "again.csv"
            began = clock.monotonic()
            with conn.transaction():
                written = write_units(conn, again, ExportFilter())
            export = clock.monotonic() - began
            back, unchanged = _run(conn, beside, clock, again, ImportOptions())
            return {
                "import_rows_per_s": round(rows / figures["whole_s"]),
                "import_trial_rows_per_s": round(rows / figures["trial_s"]),
                "export_rows_per_s": round(written / export),
                "unchanged_rows_per_s": round(written / back["whole_s"]),
                "rows": rows, "file": path.suffix[1:], "file_bytes": path.stat().st_size, "import": figures, "counts": counts,
                "taken_back": back, "taken_back_counts": unchanged,
                "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                "import_conditions": conditions(conn),
            }  # fmt: skip
