"""Our events in people's calendars, followed by what changes: a mirror that may be thrown away.

A calendar whose marks stand still costs nothing; one that changed is asked what changed since its
token (RFC 6578); however a server refuses that token, one full read follows at once.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from urllib.parse import urlsplit

from connectors._answers import NoAnswer
from connectors._copies import Copy, CopyUnreadable
from connectors._dav import Dav, demand, where
from connectors._dav_homes import Collection, Home, place_of
from connectors._dav_words import C, D, Entry, event_query, multiget, sync
from connectors._ical_lines import Unreadable
from connectors._ical_read import read
from daemon.core.domain import Email, Uid
from daemon.core.ports import Permanent

MARK = "@careloop"
GONE = frozenset({404, 410})
_OURS = re.compile(r"[0-9a-v]{32}@careloop")
_FEW = 50
"""Events fetched by their addresses; where it takes more, the calendar is searched."""
_HOUR = 3600.0
"""Seconds after which even a calendar that claims no change is read again."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One event of ours as a server holds it."""

    url: str
    etag: str
    tag: str
    """Its schedule tag, where the server schedules."""
    content: bytes

    @property
    def text(self) -> str:
        """The content on unfolded lines."""
        plain = self.content.decode("utf-8", "replace").replace("\r\n", "\n")
        return plain.replace("\n ", "").replace("\n\t", "")

    def names(self, uid: Uid) -> bool:
        """Tell whether it mentions that event."""
        return uid in self.text


@dataclass(slots=True)
class _Mirror:
    """What is known of one calendar."""

    mark: str
    token: str
    read_at: float
    events: dict[str, Raw] = field(default_factory=dict)


class Mirrors:
    """Our events by calendar, in memory only."""

    def __init__(self, dav: Dav, clock: Callable[[], float] = time.monotonic) -> None:
        self._dav, self._clock = dav, clock
        self._known: dict[str, _Mirror] = {}
        self._lock = threading.Lock()
        self.full_reads = 0
        """How often a calendar had to be read as a whole."""

    def refresh(self, home: Home) -> None:
        """Bring every calendar of a home up to date. Raises `NoAnswer`."""
        for calendar in home.calendars:
            known = self._known.get(calendar.url)
            if known is None or not self._follow(home, calendar, known):
                self._read(home, calendar)

    def find(self, home: Home, uid: Uid) -> list[Raw]:
        """Our event as the mirror shows it. Nothing found is no proof of absence."""
        mirrors = (self._known.get(calendar.url) for calendar in home.calendars)
        events = [raw for mirror in mirrors if mirror for raw in mirror.events.values()]
        return [raw for raw in events if raw.names(uid)]

    def _follow(self, home: Home, calendar: Collection, known: _Mirror) -> bool:
        """Take over what changed; False: everything has to be read.

        With what changed all of ours is fetched: some servers answer an old token with a list of
        everything, which does not name what is gone.
        """
        if self._clock() - known.read_at > _HOUR:
            return False
        if calendar.mark and calendar.mark == known.mark:
            return True
        if not known.token or not calendar.token:
            return False
        changes = self._changes(home, calendar, known.token)
        if changes is None:
            return False
        entries, token = changes
        changed = {each.url for each in entries if each.url != calendar.url}
        wanted = changed | known.events.keys()
        if len(wanted) > _FEW:
            return False
        found = fetch(self._dav, home, calendar.url, sorted(wanted)) if changed else known.events
        known.events = {url: raw for url, raw in found.items() if MARK in raw.text}
        known.mark, known.token = calendar.mark, token
        return True

    def _changes(
        self, home: Home, calendar: Collection, token: str
    ) -> tuple[tuple[Entry, ...], str] | None:
        """What changed since a token; None: the server does not want it any more, whatever
        status it says that with."""
        try:
            said = self._dav.report(home.account, calendar.url, sync(token), depth=0)
        except NoAnswer as error:
            if isinstance(error.result, Permanent) or "507" in error.reason:
                return None
            raise
        if not said.token or any(each.status == 507 for each in said.entries):
            return None
        return said.entries, said.token

    def _read(self, home: Home, calendar: Collection) -> None:
        said = self._dav.report(home.account, calendar.url, event_query(uid=MARK))
        events = {each.url: _raw(each) for each in said.entries if MARK in _data(each)}
        with self._lock:
            self.full_reads += 1
            self._known[calendar.url] = _Mirror(
                calendar.mark, calendar.token, self._clock(), events
            )


# --- single events --------------------------------------------------------------------------


def fetch(dav: Dav, home: Home, calendar: str, urls: Iterable[str]) -> dict[str, Raw]:
    """Read events by their addresses; one that is gone is left out. Raises `NoAnswer`."""
    said = dav.report(home.account, calendar, multiget(urls))
    return {each.url: _raw(each) for each in said.entries if _data(each)}


def get(dav: Dav, home: Home, url: str) -> Raw | None:
    """Read one event; None: there is nothing at that address. Raises `NoAnswer`."""
    answer = dav.ask(home.account, "GET", url)
    if answer.status in GONE:
        return None
    demand(answer, "GET", url)
    headers = answer.headers
    return Raw(url, headers.get("ETag", ""), headers.get("Schedule-Tag", ""), answer.body)


def search(dav: Dav, home: Home, uid: Uid) -> list[Raw]:
    """Look for an event where it ought to be, then in every calendar. Raises `NoAnswer`."""
    direct = get(dav, home, place_of(home, uid))
    if direct is not None and direct.names(uid):
        return [direct]
    found = []
    for calendar in home.calendars:
        said = dav.report(home.account, calendar.url, event_query(uid=uid))
        found += [_raw(each) for each in said.entries if uid in _data(each)]
    return [raw for raw in found if raw.names(uid)]


def copy_of(raw: Raw, owner: Email, uid: Uid, home: tzinfo) -> Copy:
    """Read our event; floating times are in `home`. Raises `CopyUnreadable`."""
    place = where(raw.url)
    try:
        events = read(raw.content, home).events
    except Unreadable as error:
        raise CopyUnreadable(owner, f"{place}:{error.line}: {error.why}") from None
    mine = [each for each in events if each.uid == uid]
    if not mine:
        raise CopyUnreadable(owner, f"{place}: our event has lost its UID")
    event = max(mine, key=lambda each: each.sequence)
    if event.when is None:
        raise CopyUnreadable(owner, f"{place}:{event.line}: our event has lost its DTSTART")
    path = Path(urlsplit(raw.url).path)
    return Copy(owner, path, raw.etag, event, len(mine) == len(events), changed=0)


def _data(entry: Entry) -> str:
    found = entry.props.get(f"{C}calendar-data")
    text = (found.text or "") if found is not None else ""
    return text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")


def _raw(entry: Entry) -> Raw:
    found = entry.props.get(f"{C}calendar-data")
    content = ((found.text or "") if found is not None else "").strip() + "\n"
    etag, tag = entry.text(f"{D}getetag"), entry.text(f"{C}schedule-tag")
    return Raw(entry.url, etag, tag, content.encode())
