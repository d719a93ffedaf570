"""Our events in people's folders: each pair's meeting stands as one copy in either folder."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from connectors._ical_lines import Unreadable
from connectors._ical_read import Event, read
from connectors._readings import NotLoaded
from connectors._vdir import Place, load, mark, settled
from daemon.core.domain import Email, Interval, Uid

_OURS = re.compile(rb"[0-9a-v]{32}@careloop")
_LARGEST = 2**20
"""Bytes of a file that may hold one of our events; ours have about one thousand."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One of our events as it stands in somebody's folder."""

    owner: Email
    path: Path
    mark: str
    event: Event
    alone: bool
    """Nothing else stands in that file."""
    changed: int
    """When the file was last written, in nanoseconds since 1970."""

    @property
    def when(self) -> Interval:
        """The time it stands at."""
        assert self.event.when is not None
        return self.event.when

    @property
    def moved(self) -> bool:
        """A person gave it another time than careloop did."""
        return self.event.written is not None and self.when != self.event.written

    def rank(self) -> tuple[int, datetime, int]:
        """The later word of two copies ranks higher (RFC 5546 section 2.1.5, then the file)."""
        never = datetime.min.replace(tzinfo=UTC)
        return self.event.sequence, self.event.modified or never, self.changed


class CopyUnreadable(Exception):
    """A file that holds our event, or may hold it, and cannot be understood: file, line, why."""

    def __init__(self, owner: Email, why: str) -> None:
        super().__init__(why)
        self.owner = owner


class Copies:
    """Finds our events, whatever name a program gave their file; reads each file once."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[str, Uid, Copy]] = {}
        self._index: dict[str, tuple[str, frozenset[bytes]]] = {}
        """By path: the mark of a file, and which of our events it mentions."""

    def find(self, owner: Email, place: Place, uid: Uid, home: tzinfo) -> list[Copy]:
        """Every copy in a person's folder, the latest word first; floating times are in `home`.

        Raises `CopyUnreadable`, and OSError where the folder itself cannot be read.
        """
        direct = place.folder / f"{uid}.ics"
        found = self._copy(owner, direct, uid, home)
        if found is not None:
            return [found]
        others = (self._copy(owner, path, uid, home) for path in self._mentioning(place, uid))
        return sorted((each for each in others if each), key=Copy.rank, reverse=True)

    def _mentioning(self, place: Place, uid: Uid) -> Iterator[Path]:
        for entry in list(place.listed()):
            found = entry.stat()
            known = self._index.get(entry.path)
            if known is None or known[0] != mark(found):
                known = (mark(found), _mentions(entry, found.st_size))
                if settled(found):
                    self._index[entry.path] = known
            if uid.encode() in known[1]:
                yield Path(entry.path)

    def _copy(self, owner: Email, path: Path, uid: Uid, home: tzinfo) -> Copy | None:
        try:
            found = path.stat()
            now = mark(found)
            known = self._read.get(path)
            if known is None or known[:2] != (now, uid):
                copy = _read(owner, path, uid, found, home)
                if copy is None:
                    return None
                known = (now, uid, copy)
                if settled(found):
                    self._read[path] = known
        except FileNotFoundError:
            self._read.pop(path, None)
            return None
        return known[2]


def _mentions(entry: os.DirEntry[str], size: int) -> frozenset[bytes]:
    if size > _LARGEST:
        return frozenset()
    try:
        return frozenset(_OURS.findall(load(entry.path)))
    except (OSError, NotLoaded):
        return frozenset()


def _read(owner: Email, path: Path, uid: Uid, found: os.stat_result, home: tzinfo) -> Copy | None:
    try:
        content = load(path)
        if len(content) > _LARGEST:
            raise Unreadable(1, "it is far too large for one of our events")
        if uid.encode() not in content:
            return None
        events = read(content, home).events
    except Unreadable as error:
        raise CopyUnreadable(owner, f"{path}:{error.line}: {error.why}") from None
    except (NotLoaded, PermissionError) as error:
        raise CopyUnreadable(owner, f"{path}: {error}") from None
    mine = [each for each in events if each.uid == uid]
    if not mine:
        return None
    event = max(mine, key=lambda each: each.sequence)
    if event.when is None:
        raise CopyUnreadable(owner, f"{path}:{event.line}: our event has lost its DTSTART")
    alone = len(mine) == len(events)
    return Copy(owner, path, mark(found), event, alone, found.st_mtime_ns)
