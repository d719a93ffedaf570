"""kill -9 at any moment of a turn: nothing is missing afterwards, nothing is there twice."""

import os
import random
import signal
import time
from datetime import UTC, datetime, timedelta

from tests.system.company import Company, found
from tests.system.invariants import Books
from tests.system.playing import opened, turn

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
KILLS = 100


def in_a_child(company: Company, now: datetime, patience: float | None) -> float:
    """One turn in a process of its own; after `patience` seconds it is killed. Tells how long it
    took."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            turn(opened(company), now)
            code = 0
        finally:
            os._exit(code)
    if patience is not None:
        time.sleep(patience)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert patience is not None or status == 0
    return time.monotonic() - began


def test_a_hundred_kills_lose_nothing_and_double_nothing(tmp_path):
    company = found(
        tmp_path / "acme", pairs=20, start=START.date(), days=60, taken=(0.2, 0.3), seed=3
    )
    books, dice, took = Books(company), random.Random(5), 1.0
    kills = 0

    for day in range(60):
        now = START + timedelta(days=day)
        for _ in range(2 if day < KILLS - 60 else 1):
            in_a_child(company, now, dice.uniform(0.02, max(0.1, took)))
            kills += 1
        took = in_a_child(company, now, None)
        books.look(now)

    letters = [post.message_id for post in books.posts]
    books.check_times()
    books.check_rhythm()
    books.check_letters(settled_before=START + timedelta(days=56))
    assert kills == KILLS
    assert books.faults == []
    assert len(set(letters)) == len(letters)
