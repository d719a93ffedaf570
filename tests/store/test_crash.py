"""Promises under kill -9: nothing owed is lost or done twice, and the dead hold nothing.

Each process dies at a step of its own choosing (every one of them) or at any moment; what really
happened stands in a file of its own, not in the store.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.store import files, outbox
from daemon.store.database import Database, open_database
from daemon.store.outbox import Action, State
from tests.factories import NOW
from tests.store.victim import World

KILLED = 9
BUDGET = 5.0
"""Seconds for the kills at random moments."""


class Victims:
    """A warm process that lives and dies on request."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.victim", str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live(self, step: int = 0, milliseconds: float = 0) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{step} {milliseconds}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[Victims]:
    started = Victims(tmp_path)
    yield started
    started.close()


def inspected(root: Path) -> None:
    """After a death: the file is whole, nothing owed is missing, nobody holds anything."""
    files.check(root / "state.db", thorough=True)
    database = open_database("sqlite:///state.db", root)
    with database.writing() as conn:
        outbox.void_claims(conn, NOW)
        entries = {x.key: x.state for x in outbox.entries(conn, list(State))}
    database.close()
    happened = World(root / "world").happened()
    assert set(World(root / "owed").happened()) <= set(entries)
    assert State.CLAIMED not in entries.values()
    assert {key for key, state in entries.items() if state is State.DONE} <= set(happened)
    assert len(happened) == len(set(happened))


def finished(database: Database, root: Path) -> None:
    """At the end: everything owed has happened, once, and the store knows."""
    with database.reading() as conn:
        counts = outbox.counts(conn)
        keys = {x.key for x in outbox.entries(conn, [State.DONE])}
    happened = World(root / "world").happened()
    assert set(counts) == {(Action.PUT, State.DONE)}
    assert sorted(happened) == sorted(keys)
    assert set(World(root / "owed").happened()) <= keys


def test_a_life_ended_at_any_of_its_steps_is_carried_on(victims: Victims, tmp_path: Path) -> None:
    step = 1
    while victims.live(step) == KILLED:
        inspected(tmp_path)
        step += 1

    database = open_database("sqlite:///state.db", tmp_path)
    finished(database, tmp_path)
    database.close()
    assert step > 25


def test_a_life_ended_at_any_moment_is_carried_on(victims: Victims, tmp_path: Path) -> None:
    dice = random.Random(20260302)
    victims.live()
    deaths, deadline = 0, time.monotonic() + BUDGET
    while time.monotonic() < deadline:
        deaths += victims.live(milliseconds=dice.uniform(1, 60)) == KILLED
        inspected(tmp_path)

    victims.live()

    database = open_database("sqlite:///state.db", tmp_path)
    finished(database, tmp_path)
    database.close()
    assert deaths > 20
