"""Forty pairs for ninety days on real CalDAV servers: every promise checked after each day.

The same scenario as tests/system/test_caldav_company.py, larger. It says how long a day takes and
how many promises were broken (none).
"""

import logging
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from tests.doubles.dav_servers import Radicale, Xandikos, running
from tests.system.company import found
from tests.system.hosted import Hosted

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
PAIRS, DAYS = 40, 90


def run(pairs: int = PAIRS, days: int = DAYS) -> None:
    """Play the company on Radicale (careloop invites) and on Xandikos (the server does)."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print("server    pairs  days  held  letters  broken promises  seconds a day")
    for kind in (Radicale, Xandikos):
        with tempfile.TemporaryDirectory() as folder:
            _play(kind, Path(folder), pairs, days)


def _play(kind: type[Radicale] | type[Xandikos], root: Path, pairs: int, days: int) -> None:
    company = found(root / "acme", pairs=pairs, start=START.date(), days=days, taken=(0.05, 0.1))
    with running(kind(root / "server")) as server:
        hosted = Hosted(company, server, service=kind is Radicale)
        began = time.perf_counter()
        hosted.play(START, 0, days)
        seconds = time.perf_counter() - began
        twice = hosted.invited_twice() if kind is Xandikos else []
    books = hosted.books
    books.check_times()
    if days >= DAYS:
        books.check_rhythm()
    books.check_letters(settled_before=START + timedelta(days=days - 4))
    broken = [*books.faults, *(f"{key}: invited twice" for key in twice)]
    print(f"{kind.__name__:9} {pairs:5} {days:5} {len(books.held):5} {len(books.posts):8}"
          f"  {len(broken):15}  {seconds / days:13.2f}")  # fmt: skip
    for fault in broken[:10]:
        print(f"  {fault}")


if __name__ == "__main__":
    run()
