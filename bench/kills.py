"""A hundred kills at random moments of turns against a real CalDAV server: nothing twice, nothing
missing afterwards. The same on files stands in tests/system/test_crash.py."""

import logging
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from tests.doubles.dav_servers import Radicale, running
from tests.system.company import found
from tests.system.hosted import Hosted
from tests.system.test_crash import in_a_child

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
PAIRS, DAYS, KILLS_A_DAY = 6, 34, 3


def run() -> None:
    """Print how many kills there were and what they broke (nothing)."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    dice, took = random.Random(5), 1.0
    with tempfile.TemporaryDirectory() as folder:
        company = found(
            Path(folder) / "acme", pairs=PAIRS, start=START.date(), days=DAYS, taken=(0.05, 0.1)
        )
        with running(Radicale(Path(folder) / "server")) as server:
            hosted = Hosted(company, server, service=True)
            for day in range(DAYS):
                now = START + timedelta(days=day)
                for _ in range(KILLS_A_DAY):
                    in_a_child(company, now, dice.uniform(0.05, max(0.1, took)))
                took = in_a_child(company, now, None)
                hosted.observe()
                hosted.books.look(now)
    books = hosted.books
    books.check_times()
    books.check_letters(settled_before=START + timedelta(days=DAYS - 4))
    letters = [post.message_id for post in books.posts]
    print(f"{DAYS * KILLS_A_DAY} kills, {len(books.events)} events ahead, {len(books.held)} held, "
          f"{len(letters)} letters, {len(letters) - len(set(letters))} doubled, "
          f"{len(books.faults)} faults")  # fmt: skip
    for fault in books.faults[:10]:
        print(f"  {fault}")
