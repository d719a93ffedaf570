"""A simulated stretch of a company over eight zones: CPU, share in window, reasons outside.

`python -m bench simulation` plays 100 pairs for 90 days; `CARELOOP_BENCH_PAIRS=500` and
`CARELOOP_BENCH_DAYS=365` the whole year of a company.
"""

import logging
import os
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog

from daemon.loop.simulation import Simulation, simulate
from tests.system.company import found
from tests.system.playing import opened

START = datetime(2026, 3, 2, 6, tzinfo=UTC)

ZONES = (
    ("Europe/Berlin", "Europe/London", "Asia/Kolkata", "Africa/Lagos"),
    ("America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "America/Denver"),
)
"""Eight of them; one team works in those of one line."""

KNOWN = 60
"""Calendars hold entries for this many days and eighty more; beyond, they are continued."""


def run() -> None:
    """Print what the simulation costs and what it comes to."""
    pairs = int(os.environ.get("CARELOOP_BENCH_PAIRS", "100"))
    days = int(os.environ.get("CARELOOP_BENCH_DAYS", "90"))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="careloop-bench-") as folder:
        company = found(
            Path(folder) / "acme", pairs=pairs, start=START.date(), days=KNOWN, groups=ZONES
        )
        app = opened(company)
        began, clock = time.process_time(), time.monotonic()
        told = simulate(app, days, START)
        _print(told, pairs, time.process_time() - began, time.monotonic() - clock)
        app.database.close()


def _print(told: Simulation, pairs: int, spent: float, wall: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{pairs} pairs, {told.days} days: {spent:.1f} s CPU, {wall:.1f} s, {peak:.0f} MiB peak")
    print(f"{spent / told.days * 1000:.0f} ms CPU a day; {told.talks} talks held")
    print(f"in window: {told.in_window:.2%} of {len(told.gaps)} gaps")
    print(f"reasons outside: {dict(told.reasons)}; never met: {len(told.unmet)}")


if __name__ == "__main__":
    run()
