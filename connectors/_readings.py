"""Busy time of people whose calendars are files or feeds: each content is read once.

What was read is kept by content, and found again by cheap marks (a file's times and size, a
feed's ETag): where no mark has changed nothing is loaded, let alone read.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from connectors._cache import Cache
from connectors._child import Figures, as_figures, as_reading, instant, seconds
from connectors._guard import TOO_MUCH, Guard, Killed
from connectors._ical_busy import Fault, Reading
from daemon.config import zonedata
from daemon.core.domain import Availability, Email, Interval, Person
from daemon.core.intervals import merge
from daemon.core.ports import Unknown

LARGEST = 16 * 2**20
"""Bytes of one file or feed; a larger one makes its owner unknown."""
_READER = "2"
"""Raised whenever the same content may be read differently, or is kept in another form."""
_SHELF, _FILES = f"shelf {_READER} ", f"files {_READER} "
_TOGETHER = 64
"""People whose readings are held in memory before they are kept."""


class NotLoaded(Exception):
    """A file or feed that could not be fetched; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where one person's calendar stands: the marks of its files by name, and how to load one.

    A name is what a message calls the file; a mark changes whenever the content does. `load` may
    raise `NotLoaded` or OSError and need not give more than `LARGEST` + 1 bytes.
    """

    owner: Person
    marks: Mapping[str, str]
    load: Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one shelf: under which print, for which span."""

    print: str
    span: Interval
    reading: Reading
    where: tuple[str, ...]
    """The file of each fault."""


class Readings:
    """Reads shelves and remembers, in memory and in a cache file."""

    def __init__(self, path: Path) -> None:
        self._cache = Cache(path)
        self._known: dict[Email, _Known] = {}
        self.parsed = 0
        """How many contents were parsed so far: nothing, where nothing has changed."""

    def busy(
        self, shelves: Iterable[Shelf], within: Interval
    ) -> dict[Email, Availability | Unknown]:
        """Tell when the owner of each shelf is busy, or why that is unknown."""
        asked = {shelf.owner.email: (shelf, _print(shelf)) for shelf in shelves}
        self._remember({who: mark for who, (_, mark) in asked.items()}, within)
        stale = [
            (shelf, mark)
            for who, (shelf, mark) in asked.items()
            if not self._fresh(who, mark, within)
        ]
        passing = self._refresh(stale, _aligned(within)) if stale else {}
        known = {**self._known, **passing}
        return {who: _answer(known[who], within) for who in asked}

    def _fresh(self, who: Email, mark: str, within: Interval) -> bool:
        known = self._known.get(who)
        return known is not None and known.print == mark and _covers(known.span, within)

    def _remember(self, prints: Mapping[Email, str], within: Interval) -> None:
        """Take from the cache file what this process does not know yet."""
        missing = [who for who, mark in prints.items() if not self._fresh(who, mark, within)]
        for who, kept in self._kept(_SHELF, missing):
            mark, start, end, figures, where = kept
            span = Interval(instant(start), instant(end))
            self._known[who] = _Known(mark, span, as_reading(figures), tuple(where))

    def _kept(self, kind: str, people: Iterable[Email]) -> Iterator[tuple[Email, Any]]:
        names = {kind + who: who for who in people}
        for name, kept in self._cache.load(names) if names else ():
            yield names[name], kept

    def _refresh(self, stale: Sequence[tuple[Shelf, str]], span: Interval) -> dict[Email, _Known]:
        """Read what is new; tell what may be said now and has to be tried again."""
        passing: dict[Email, _Known] = {}
        with Guard() as guard, ThreadPoolExecutor(guard.size) as pool:
            for first in range(0, len(stale), _TOGETHER):
                batch = stale[first : first + _TOGETHER]
                kept = dict(self._kept(_FILES, (shelf.owner.email for shelf, _ in batch)))
                jobs = [_Job(*each, span, kept.get(each[0].owner.email, {})) for each in batch]
                self._finish(jobs, pool.map(lambda job: job.run(guard), jobs), passing)
        return passing

    def _finish(
        self, jobs: Iterable["_Job"], known: Iterable[_Known], passing: dict[Email, _Known]
    ) -> None:
        records: dict[str, object] = {}
        for job, found in zip(jobs, known, strict=True):
            self.parsed += job.parsed
            (self._known if job.lasting else passing)[job.shelf.owner.email] = found
            records |= job.records(found)
        self._cache.save(records)


class _Job:
    """One shelf to be read again, as far as its contents are new."""

    def __init__(self, shelf: Shelf, mark: str, span: Interval, kept: Any) -> None:
        self.shelf, self.mark, self.span = shelf, mark, span
        self.lasting, self.parsed, self._weight = True, 0, 0
        self._frame = f"{_frame(shelf.owner)}:{seconds(span.start)}:{seconds(span.end)}"
        self._old: dict[str, list[Any]] = kept.get("files", {}) if _fits(kept, self._frame) else {}
        self._files: dict[str, list[Any]] = {}
        """By name: mark, digest of the content, figures."""
        self._faults: list[tuple[str, Fault]] = []

    def run(self, guard: Guard) -> _Known:
        """Load what has another mark, read what has another content."""
        new = self._load()
        contents = [content for _, _, content in new]
        try:
            for (name, digest, _), figures in zip(
                new, guard.read(self.shelf.owner, contents, self.span) if new else (), strict=True
            ):
                self._keep(name, digest, figures)
        except Killed as killed:
            name, digest, _ = new[killed.place]
            self._give_up(name, digest, killed)
        return self._sum()

    def _load(self) -> list[tuple[str, str, bytes]]:
        """Name, digest and content of what was never read; the rest is taken over."""
        new: list[tuple[str, str, bytes]] = []
        by_digest = {digest: figures for _, digest, figures in self._old.values()}
        for name, mark in self.shelf.marks.items():
            old = self._old.get(name)
            if old and old[0] == mark:
                self._files[name] = old
            elif (content := self._loaded(name)) is not None:
                digest = _digest(content)
                if digest in by_digest:
                    self._keep(name, digest, by_digest[digest], parsed=0)
                else:
                    new.append((name, digest, content))
        return new

    def _loaded(self, name: str) -> bytes | None:
        if self._weight > LARGEST:
            self._pass(name, f"more than {LARGEST >> 20} MiB are new; the rest is read next time")
            return None
        try:
            content = self.shelf.load(name)
        except (OSError, NotLoaded) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._pass(name, f"it could not be read: {why}")
            return None
        if len(content) > LARGEST:
            self._pass(name, f"it is larger than {LARGEST >> 20} MiB")
            return None
        self._weight += len(content)
        return content

    def _pass(self, name: str, why: str) -> None:
        """Say why a file counts as unknown for this time."""
        self.lasting = False
        self._faults.append((name, Fault(1, why)))

    def _keep(self, name: str, digest: str, figures: Figures, parsed: int = 1) -> None:
        self.parsed += parsed
        self._files[name] = [self.shelf.marks[name], digest, figures]

    def _give_up(self, name: str, digest: str, killed: Killed) -> None:
        """A file too costly by itself stays so; after others it gets another try next time."""
        if killed.place == 0 and killed.by_limit:
            self._keep(name, digest, as_figures(Reading(faults=(TOO_MUCH,))))
        else:
            self._pass(name, TOO_MUCH.why)

    def _sum(self) -> _Known:
        readings = {name: as_reading(figures) for name, (_, _, figures) in self._files.items()}
        taken = merge(each for reading in readings.values() for each in reading.busy)
        faults = [(name, fault) for name, reading in readings.items() for fault in reading.faults]
        faults += self._faults
        reading = Reading(tuple(taken), tuple(fault for _, fault in faults))
        return _Known(self.mark, self.span, reading, tuple(name for name, _ in faults))

    def records(self, known: _Known) -> dict[str, object]:
        """What the cache keeps of it."""
        who = self.shelf.owner.email
        files: dict[str, object] = {_FILES + who: {"frame": self._frame, "files": self._files}}
        if not self.lasting:
            return files
        span = seconds(known.span.start), seconds(known.span.end)
        return files | {_SHELF + who: [known.print, *span, as_figures(known.reading), known.where]}


def _fits(kept: Any, frame: str) -> bool:
    return bool(kept) and kept.get("frame") == frame


def _answer(known: _Known, within: Interval) -> Availability | Unknown:
    touching = [
        (name, fault)
        for name, fault in zip(known.where, known.reading.faults, strict=True)
        if fault.span.overlaps(within)
    ]
    if touching:
        name, fault = touching[0]
        more = f" (and {len(touching) - 1} more)" if len(touching) > 1 else ""
        return Unknown(f"{name}:{fault.line}: {fault.why}{more}")
    return Availability(_cut(known.reading.busy, within))


def _cut(busy: Sequence[Interval], within: Interval) -> tuple[Interval, ...]:
    first = bisect_right(busy, within.start, key=attrgetter("end"))
    last = bisect_left(busy, within.end, key=attrgetter("start"))
    inside = list(busy[first:last])
    if inside and inside[0].start < within.start:
        inside[0] = Interval(within.start, inside[0].end)
    if inside and inside[-1].end > within.end:
        inside[-1] = Interval(inside[-1].start, within.end)
    return tuple(inside)


def _aligned(within: Interval) -> Interval:
    """Whole quarters of a year, so that a span that moves with the days seldom reads anew."""
    return Interval(_quarter(within.start, 0), _quarter(within.end, 1))


def _quarter(when: datetime, later: int) -> datetime:
    months = when.year * 12 + (when.month - 1) // 3 * 3 + 3 * later
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _covers(span: Interval, within: Interval) -> bool:
    return span.start <= within.start and within.end <= span.end


def _frame(owner: Person) -> str:
    """All but the content that an answer depends on."""
    return f"{_READER}:{zonedata.found().newest}:{owner.email}:{owner.zone.key}"


def _print(shelf: Shelf) -> str:
    marks = "\n".join(f"{name}\t{mark}" for name, mark in sorted(shelf.marks.items()))
    return _digest(f"{_frame(shelf.owner)}\n{marks}".encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
