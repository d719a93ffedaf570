"""A few children that read calendars side by side; whatever they are given, they cost bounded
time and memory, and one that dies harms nobody else."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Timer
from types import TracebackType

from connectors._child import MEMORY, OUT_OF_MEMORY, SECONDS, Figures, seconds
from connectors._ical_busy import Fault
from daemon.core.domain import Interval, Person

WALL = 60.0
"""Seconds after which a child that says nothing is ended: it only waits, for a stuck machine."""
_COMMAND = (sys.executable, "-P", "-m", "connectors._child")
_LIMITS = frozenset({-signal.SIGPROF, OUT_OF_MEMORY})
TOO_MUCH = Fault(
    1, f"reading it takes more than {SECONDS:g} s of processor time or {MEMORY >> 20} MiB"
)


@dataclass(frozen=True, slots=True)
class Killed(Exception):
    """The child ended in the middle: the place of the file it was reading, and whether it ended
    by its own limits (it would again) rather than for want of a living machine."""

    place: int
    by_limit: bool


class Guard:
    """Children for the length of a `with` block, started only when there is something to read."""

    def __init__(self, size: int = 0) -> None:
        self.size = size or max(1, os.cpu_count() or 1)
        self._idle: SimpleQueue[Child | None] = SimpleQueue()
        for _ in range(self.size):
            self._idle.put(None)

    def __enter__(self) -> "Guard":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _ in range(self.size):
            if child := self._idle.get():
                child.end()

    def read(
        self, person: Person, contents: Sequence[bytes], within: Interval
    ) -> Iterator[Figures]:
        """Read one person's files in turn, as figures. Callable from several threads.

        Raises `Killed` after the last one that could be read.
        """
        child = self._idle.get() or Child()
        whole = False
        try:
            yield from child.read(person, contents, within)
            whole = True
        finally:
            if not whole:
                child.end()
            self._idle.put(child if whole else None)


class Child:
    """One process running `_child.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell, no input
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def read(
        self, person: Person, contents: Sequence[bytes], within: Interval
    ) -> Iterator[Figures]:
        """Read one person's files; raises `Killed`."""
        span = seconds(within.start), seconds(within.end)
        sizes = [len(content) for content in contents]
        asked = json.dumps([person.email, person.zone.key, *span, sizes]).encode() + b"\n"
        alarm = Timer(WALL, self._process.kill)
        alarm.start()
        try:
            for place, content in enumerate(contents):
                yield self._exchange(asked + content if place == 0 else content, place)
        finally:
            alarm.cancel()

    def _exchange(self, message: bytes, place: int) -> Figures:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(message)
            self._process.stdin.flush()
            figures: Figures = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise Killed(place, self._status() in _LIMITS) from None
        return figures

    def _status(self) -> int | None:
        try:
            return self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        self._process.communicate()
