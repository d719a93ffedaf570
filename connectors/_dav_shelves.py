"""A person's events, or their blocks of free/busy, as shelves that readings are made of.

Shelves are read in guarded children and remembered by content (_readings.py): nothing a server
says is expanded in this process.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors._answers import NoAnswer
from connectors._dav import Dav, demand, where
from connectors._dav_homes import Collection, Home
from connectors._dav_sync import fetch, get
from connectors._dav_words import D, event_query, free_busy
from connectors._readings import NotLoaded, Shelf
from daemon.core.domain import Interval, Person

_OUR_NAME = re.compile(r"/[0-9a-v]{32}@careloop\.ics$")
"""What we call our own events: they make nobody busy and need not be fetched."""
_BATCH = 64
"""Most events fetched by one multiget."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """Which events touch a span: true as long as the calendar's mark stands still."""

    mark: str
    span: Interval
    etags: Mapping[str, str]


class Shelves:
    """Makes shelves, asking only about calendars that changed."""

    def __init__(self, dav: Dav) -> None:
        self._dav = dav
        self._listed: dict[str, _Listing] = {}

    def of_events(self, home: Home, person: Person, within: Interval) -> Shelf:
        """The events that touch a span. Raises `NoAnswer` where they cannot be listed."""
        places: dict[str, tuple[str, str]] = {}
        for calendar in home.calendars:
            if calendar.counts:
                for url, etag in self._etags(home, calendar, within).items():
                    places[where(url)] = (url, etag)
        marks = {name: etag for name, (_, etag) in places.items()}
        urls = {name: url for name, (url, _) in places.items()}
        return Shelf(person, marks, Loader(self._dav, home, urls))

    def _etags(self, home: Home, calendar: Collection, within: Interval) -> Mapping[str, str]:
        known = self._listed.get(calendar.url)
        if known and calendar.mark == known.mark != "" and _covers(known.span, within):
            return known.etags
        span = whole_months(within)
        said = self._dav.report(home.account, calendar.url, event_query(within=span, data=False))
        etags = {
            one.url: one.text(f"{D}getetag") or f"? {time.monotonic_ns()}"
            for one in said.entries
            if one.url.rstrip("/") != calendar.url.rstrip("/") and not _OUR_NAME.search(one.url)
        }
        self._listed[calendar.url] = _Listing(calendar.mark, span, etags)
        return etags

    def of_blocks(self, home: Home, person: Person, within: Interval) -> Shelf:
        """What free-busy-query says of a span, calendar by calendar; asked when it is read."""
        span = whole_months(within)
        calendars = {where(each.url): each for each in home.calendars if each.counts}

        def load(name: str) -> bytes:
            headers = {"Depth": "1", "Content-Type": 'application/xml; charset="utf-8"'}
            url, body = calendars[name].url, free_busy(span)
            try:
                answer = self._dav.ask(home.account, "REPORT", url, headers, body, again=False)
                return demand(answer, "free-busy-query", url).body
            except NoAnswer as error:
                raise NotLoaded(error.reason) from None

        asked = f"{span.start.isoformat()} {span.end.isoformat()}"
        marks = {
            name: f"{each.mark or time.monotonic_ns()} {asked}" for name, each in calendars.items()
        }
        return Shelf(person, marks, load)


def of_content(person: Person, content: bytes) -> Shelf:
    """Something already at hand, by its digest."""
    mark = hashlib.blake2b(content, digest_size=16).hexdigest()
    return Shelf(person, {"free/busy": mark}, lambda _: content)


class Loader:
    """Fetches contents by multiget, more at once the more are wanted."""

    def __init__(self, dav: Dav, home: Home, urls: Mapping[str, str]) -> None:
        self._dav, self._home, self._urls = dav, home, urls
        self._waiting = list(urls)
        self._size = 1
        self._have: dict[str, bytes] = {}

    def __call__(self, name: str) -> bytes:
        """The content of one event. Raises `NotLoaded`."""
        try:
            if name not in self._have:
                self._fetch(name)
            return self._have.pop(name, None) or self._alone(name)
        except NoAnswer as error:
            raise NotLoaded(error.reason) from None

    def _fetch(self, name: str) -> None:
        """Fetch this one and what stands behind it in the same calendar."""
        self._waiting = self._waiting[self._waiting.index(name) :]
        folder = _folder(self._urls[name])
        batch = [n for n in self._waiting[: self._size] if _folder(self._urls[n]) == folder]
        self._waiting, self._size = self._waiting[len(batch) :], min(2 * self._size, _BATCH)
        names = {self._urls[each]: each for each in batch}
        for url, raw in fetch(self._dav, self._home, folder, names).items():
            if url in names:
                self._have[names[url]] = raw.content

    def _alone(self, name: str) -> bytes:
        """A server that left it out of a multiget may still give it."""
        raw = get(self._dav, self._home, self._urls[name])
        if raw is None:
            raise NotLoaded("it is gone; it was there a moment ago")
        return raw.content


def _folder(url: str) -> str:
    return url.rpartition("/")[0] + "/"


def _covers(span: Interval, within: Interval) -> bool:
    return span.start <= within.start and within.end <= span.end


def whole_months(within: Interval) -> Interval:
    """A span that seldom changes although the days pass."""
    return Interval(_month(within.start, 0), _month(within.end, 1))


def _month(moment: datetime, later: int) -> datetime:
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32 * later)).replace(day=1)
