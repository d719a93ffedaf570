"""Two hundred pairs for 180 days on files, a turn a day, every promise checked from the outside.

The same scenario as tests/system/test_cycle.py, at full size. It takes a few minutes.
"""

import logging
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from tests.system.company import found
from tests.system.playing import play

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
PAIRS, DAYS = 200, 180


def run(pairs: int = PAIRS, days: int = DAYS) -> None:
    """Print what was held and sent, and what broke (nothing)."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        company = found(Path(folder) / "acme", pairs=pairs, start=START.date(), days=days)
        books = play(company, START, days)
    books.check_times()
    books.check_rhythm()
    books.check_letters(settled_before=START + timedelta(days=days - 4))
    spent = time.process_time() - began
    print(f"{pairs} pairs, {days} days: {len(books.held)} held, {len(books.posts)} letters, "
          f"{len(books.faults)} faults, {spent:.0f} s CPU")  # fmt: skip
    for fault in books.faults[:10]:
        print(f"  {fault}")
