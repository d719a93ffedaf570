"""The turn at company size: planning, a cold turn, an unchanged turn, beside a plain scan."""

import logging
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from bench.scan import World, scan
from connectors import _readings
from daemon.loop import decide as deciding
from daemon.loop.turn import run_turn
from daemon.wiring import App
from tests.system.company import found
from tests.system.playing import opened

PAIRS = 1000
START = datetime(2026, 3, 2, 6, tzinfo=UTC)

SCANNED = 100
"""The scan is timed on this many of the due meetings, spread evenly, and multiplied up."""

LEAST = 30
"""Planning has to be this many times cheaper than the scan."""


def run() -> None:
    """Print CPU seconds and peak memory; the unchanged turn must parse, write and send nothing."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        company = found(
            Path(folder) / "acme", pairs=PAIRS, start=START.date(), days=60, taken=(0.4, 0.6)
        )
        app = opened(company)
        planning = Watch(deciding.planner, "place")
        _measured("cold turn", app, START)
        print(f"{'  of which planning':32}{planning.seconds:8.2f} s CPU  ({planning.calls} calls)")
        _beside_a_scan(planning)
        _measured("the turn after it", app, START)
        before = _rows(app)
        parsing = Watch(_readings, "_refresh") if hasattr(_readings, "_refresh") else None
        _measured("unchanged turn, new process", opened(company), START)
        _measured("unchanged turn, same process", app, START)
        assert _rows(app) == before, "an unchanged turn wrote something"
        if parsing is not None:
            print(f"{'  of which reading calendars':32}{parsing.seconds:8.2f} s CPU")
        _measured("a day later", app, START + timedelta(days=1))


def _beside_a_scan(planning: "Watch") -> None:
    """Time the plain scan on what the planner was just asked, and hold the ratio."""
    dues, people, busy, placed, cadence, closed, now = planning.asked
    few = dues[:: max(1, len(dues) // SCANNED)]
    world = World(people, busy, cadence, closed, now)
    for meeting in placed:
        world.enter(meeting.pair, meeting.when)
    began = time.process_time()
    scan(world, few)
    spent = (time.process_time() - began) * len(dues) / len(few)
    ratio = spent / planning.longest
    print(
        f"{'  the same by a plain scan':32}{spent:8.2f} s CPU  (timed on {len(few)} of the "
        f"{len(dues)} due); planning takes 1/{ratio:.0f} of it"
    )
    assert ratio >= LEAST, f"planning is only {ratio:.0f} times cheaper than the scan"


def _measured(what: str, app: App, now: datetime) -> None:
    began = time.process_time()
    with suppress(KeyError):
        run_turn(app, now)
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:32}{spent:8.2f} s CPU  {peak:6.0f} MiB peak so far")


def _rows(app: App) -> int:
    with app.database.reading() as conn:
        return int(conn.exec_driver_sql("PRAGMA data_version").scalar() or 0)


class Watch:
    """Counts a function's CPU seconds; keeps what its longest call was asked."""

    def __init__(self, module: Any, name: str) -> None:
        self.seconds, self.calls, self.longest = 0.0, 0, 0.0
        self.asked: tuple[Any, ...] = ()
        inner: Callable[..., Any] = getattr(module, name)

        def timed(*args: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return inner(*args, **named)
            finally:
                spent = time.process_time() - began
                self.seconds += spent
                self.calls += 1
                if spent >= self.longest:
                    self.longest, self.asked = spent, args

        setattr(module, name, timed)
