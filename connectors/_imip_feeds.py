"""Busy time from `calendar_url`: feeds, asked politely, checked, read in guarded children.

An address comes from other people, so it may lead nowhere but out: the connected address is looked
at, and private networks are refused unless the operator named the host.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from connectors._answers import Answer, Request, parts_of
from connectors._cache import Cache
from connectors._http import Http, Limits, NoAnswer
from connectors._readings import LARGEST, NotLoaded, Readings, Shelf
from daemon.core.domain import Availability, Email, Interval, Person
from daemon.core.ports import Unknown

_LIMITS = Limits(connect=5, read=15, call=30, size=LARGEST, attempts=2, ceiling=60)
_CALL = 120.0
"""Seconds for all feeds together."""
_AT_ONCE = 16
_MOST_HELD = 64 * 2**20
"""Bytes of fetched feeds that are held until they are read; more are fetched twice."""


@dataclass(frozen=True, slots=True)
class _Feed:
    """What is remembered of one feed."""

    url: str
    """As a digest: an address may be as good as a password."""
    mark: str
    """A digest of its content."""
    names_ours: bool
    """Our events stand in it by name (else it may show them as anonymous blocks)."""
    asked: float
    etag: str = ""
    modified: str = ""


class Feeds:
    """Everybody's feed."""

    def __init__(self, cache: Path, *, allow_private: Collection[str], minutes: int) -> None:
        self._cache = Cache(cache)
        self._readings = Readings(cache)
        self._allowed = frozenset(host.lower() for host in allow_private)
        self._seconds = minutes * 60
        self._https: dict[str, Http] = {}
        self._feeds: dict[Email, _Feed] = {}
        self._held: dict[Email, bytes] = {}
        self._lock = threading.Lock()

    def busy(
        self, people: Iterable[Person], within: Interval, ours: Mapping[Email, Collection[Interval]]
    ) -> dict[Email, Availability | Unknown]:
        """Tell when each is busy; everybody has a feed. `ours` are each person's own meetings."""
        staff = list(people)
        self._remember(staff)
        until = time.monotonic() + _CALL
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            wrong = dict(zip(staff, pool.map(lambda p: self._ask(p, until), staff), strict=True))
        self._keep(person.email for person, why in wrong.items() if not why)
        answer: dict[Email, Availability | Unknown] = {
            person.email: Unknown(why) for person, why in wrong.items() if why
        }
        shelves = [self._shelf(person) for person, why in wrong.items() if not why]
        read = self._readings.busy(shelves, within) if shelves else {}
        self._held.clear()
        return answer | {who: self._without(who, x, ours.get(who, ())) for who, x in read.items()}

    def _shelf(self, person: Person) -> Shelf:
        mark = self._feeds[person.email].mark
        return Shelf(person, {_name(person): mark}, lambda _: self._load(person))

    def _without(
        self, who: Email, read: Availability | Unknown, ours: Collection[Interval]
    ) -> Availability | Unknown:
        """Take our own meetings out of a feed that only speaks of anonymous blocks."""
        if isinstance(read, Unknown) or self._feeds[who].names_ours:
            return read
        return Availability(tuple(each for each in read.busy if each not in ours))

    # --- asking -----------------------------------------------------------------------------

    def _ask(self, person: Person, until: float) -> str:
        """Bring what is known of a feed up to date; why that failed, or nothing."""
        known = self._feeds.get(person.email)
        same = known if known and known.url == _digest(person.calendar_url.encode()) else None
        if same and 0 <= time.time() - same.asked < self._seconds:
            return ""
        if time.monotonic() > until:
            return f"{_name(person)}: no time was left to read it; it is read next time"
        try:
            answer = self._get(person.calendar_url, same)
        except NoAnswer as none:
            return f"{_name(person)}: {none.reason}"
        if answer.status == 304 and same:
            self._feeds[person.email] = _again(same)
            return ""
        if not answer.ok:
            return f"{_name(person)}: its server answered {answer.status}; mend calendar_url"
        self._take(person, answer)
        return ""

    def _take(self, person: Person, answer: Answer) -> None:
        feed = _Feed(
            url=_digest(person.calendar_url.encode()),
            mark=_digest(answer.body),
            names_ours=b"@careloop" in answer.body,
            asked=time.time(),
            etag=answer.headers.get("ETag", ""),
            modified=answer.headers.get("Last-Modified", ""),
        )
        known = self._feeds.get(person.email)
        with self._lock:
            weight = sum(map(len, self._held.values())) + len(answer.body)
            if (known is None or known.mark != feed.mark) and weight <= _MOST_HELD:
                self._held[person.email] = answer.body
        self._feeds[person.email] = feed

    def _load(self, person: Person) -> bytes:
        """The content of a feed for reading. Raises `NotLoaded`."""
        held = self._held.pop(person.email, None)
        if held is not None:
            return held
        try:
            answer = self._get(person.calendar_url, None)
        except NoAnswer as none:
            raise NotLoaded(none.reason) from None
        if not answer.ok:
            raise NotLoaded(f"its server answered {answer.status}")
        return answer.body

    def _get(self, url: str, known: _Feed | None) -> Answer:
        address, headers = _address(url)
        if known and known.etag:
            headers["If-None-Match"] = known.etag
        elif known and known.modified:
            headers["If-Modified-Since"] = known.modified
        return self._http(address).ask(Request("GET", address, headers, what="feed", redirects=3))

    def _http(self, url: str) -> Http:
        """The way to a host: one that asks us to wait must not hold up the others."""
        host = (parts_of(url).hostname or "").lower().strip("[]")
        with self._lock:
            if host not in self._https:
                private = host in self._allowed
                self._https[host] = Http(limits=_LIMITS, public_only=not private)
            return self._https[host]

    # --- remembering ------------------------------------------------------------------------

    def _remember(self, staff: Collection[Person]) -> None:
        missing = [f"feed:{p.email}" for p in staff if p.email not in self._feeds]
        for name, kept in self._cache.load(missing) if missing else ():
            self._feeds[Email(name.removeprefix("feed:"))] = _Feed(**kept)

    def _keep(self, who: Iterable[Email]) -> None:
        fields = _Feed.__slots__
        self._cache.save(
            {f"feed:{w}": {name: getattr(self._feeds[w], name) for name in fields} for w in who}
        )


def _name(person: Person) -> str:
    """What messages call a feed: its address may hold a secret."""
    return f"calendar_url of {person.email}"


def _again(feed: _Feed) -> _Feed:
    return _Feed(feed.url, feed.mark, feed.names_ours, time.time(), feed.etag, feed.modified)


def _address(url: str) -> tuple[str, dict[str, str]]:
    """A feed's address as it is asked for, a name and password in it as a header."""
    scheme, colon, rest = url.strip().partition(":")
    web = f"https:{rest}" if scheme.lower() in {"webcal", "webcals"} else f"{scheme}{colon}{rest}"
    parts = parts_of(web)
    if not parts.auth:
        return web, {}
    told = base64.b64encode(unquote(parts.auth).encode()).decode()
    return parts._replace(auth=None).url, {"Authorization": f"Basic {told}"}


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
