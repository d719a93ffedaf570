"""The child that reads calendars: bounded in memory and, per person, in processor time.

Started by `_guard.py` as a process of its own. A person is one line of JSON; then for each file
its bytes come and one line of JSON goes. Over the limit the kernel ends it (SIGPROF), whatever it
is doing.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors._ical_busy import Fault, Reading, busy
from daemon.core.domain import Email, Interval

SECONDS = 2.0
"""Processor time for one person's files together."""
MEMORY = 256 * 2**20
"""Address space in bytes, the interpreter included."""
OUT_OF_MEMORY = 75
"""How the child ends when its memory does not suffice."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

Figures = list[list[list[int | str]]]


def main() -> None:
    """Answer requests until the parent closes its end."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while asked := sys.stdin.buffer.readline():
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        _read(*json.loads(asked))


def _read(owner: str, zone: str, start: int, end: int, sizes: Iterable[int]) -> None:
    within, home = Interval(instant(start), instant(end)), ZoneInfo(zone)
    for size in sizes:
        content = sys.stdin.buffer.read(size)
        reading = _guarded(content, Email(owner), home, within)
        sys.stdout.buffer.write(json.dumps(as_figures(reading)).encode() + b"\n")
        sys.stdout.buffer.flush()


def _guarded(content: bytes, owner: Email, home: ZoneInfo, within: Interval) -> Reading:
    try:
        return busy(content, owner, home, within)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:  # noqa: BLE001 - our own mistake must not make anybody free
        return Reading(faults=(Fault(1, f"careloop cannot read it: {error!r}"[:300]),))


def as_figures(reading: Reading) -> Figures:
    """A reading as figures: seconds since 1970, and the faults' lines and words."""
    taken: list[list[int | str]] = [[seconds(x.start), seconds(x.end)] for x in reading.busy]
    faults: list[list[int | str]] = [
        [x.line, x.why, seconds(x.span.start), seconds(x.span.end)] for x in reading.faults
    ]
    return [taken, faults]


def as_reading(figures: Figures) -> Reading:
    """The reading that `as_figures` wrote down."""
    taken, faults = figures
    return Reading(
        tuple(Interval(instant(start), instant(end)) for start, end in taken),
        tuple(
            Fault(int(line), str(why), Interval(instant(start), instant(end)))
            for line, why, start, end in faults
        ),
    )


def seconds(when: datetime) -> int:
    """An instant as seconds since 1970."""
    return (when - _EPOCH) // _SECOND


def instant(figure: int | str) -> datetime:
    """Seconds since 1970 as an instant."""
    return _EPOCH + timedelta(seconds=int(figure))


if __name__ == "__main__":
    main()
