"""Where a person's calendars are and what their server can do: found once, remembered for a day.

From the server's well-known address to the principal, the calendar home and its calendars
(RFC 6764, RFC 4791 section 6.2, RFC 6638 section 2).
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from connectors._answers import NoAnswer
from connectors._cache import Cache
from connectors._dav import Dav, where
from connectors._dav_accounts import Account, Accounts, NoCalendar
from connectors._dav_hours import hours_in, zone_in
from connectors._dav_words import C, D, Entry, Multistatus, S, inside, propfind
from daemon.core.domain import Email, Hours, email
from daemon.core.ports import Permanent

DAY = 24 * 60 * 60.0
_VERSION = "dav 1 "
_PRINCIPAL = (
    f"{D}resourcetype",
    f"{D}current-user-principal",
    f"{C}calendar-home-set",
    f"{C}schedule-inbox-URL",
    f"{C}schedule-outbox-URL",
    f"{C}calendar-user-address-set",
)
_CALENDAR = (
    f"{D}resourcetype",
    f"{D}displayname",
    f"{D}sync-token",
    f"{D}current-user-privilege-set",
    f"{S}getctag",
    f"{C}supported-calendar-component-set",
    f"{C}schedule-calendar-transp",
    f"{C}calendar-timezone",
)
_WRITING = (f"{D}all", f"{D}write", f"{D}write-content", f"{D}bind")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a person is to the server. Addresses are URLs; empty: there is none."""

    url: str
    home: str
    inbox: str = ""
    outbox: str = ""
    addresses: tuple[str, ...] | None = None
    """The mail addresses it knows them by; None: it does not say."""
    default: str = ""
    """The calendar that invitations go to."""
    hours: str = ""
    """Their VAVAILABILITY, as it stands on the server."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One calendar as it is now."""

    url: str
    name: str
    mark: str
    """Changes whenever anything in it does; empty: the server does not tell."""
    token: str
    """Where a sync begins; empty: the server does not sync."""
    counts: bool = True
    """Its events make busy."""
    writable: bool = True
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """A person's calendars, and as whom they are reached."""

    who: Email
    account: Account
    principal: Principal
    calendars: tuple[Collection, ...]
    target: Collection
    """The one our meetings are written to."""

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of that calendar."""
        return zone_in(self.target.zone)

    @property
    def hours(self) -> Hours | None:
        """The working hours the server holds."""
        return hours_in(self.principal.hours)


class Discovery:
    """Finds homes; what does not change within a day is asked once a day."""

    def __init__(
        self, dav: Dav, accounts: Accounts, cache: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._dav, self._accounts, self._clock = dav, accounts, clock
        self._cache = Cache(cache)
        self._memory: dict[str, tuple[float, Any]] = {}
        self._last: dict[Email, Home] = {}

    def home(self, who: Email) -> Home:
        """Read the person's calendars as they are now. Raises `NoAnswer`, `NoCalendar`."""
        account = self._accounts.of(who)
        name = f"principal {account.user} {account.start}"
        known = self._recall(name)
        if known is not None:
            try:
                return self._listed(who, account, Principal(**_tuples(known)))
            except NoAnswer as error:
                if not isinstance(error.result, Permanent):
                    raise
        principal = self._principal(account)
        found = self._listed(who, account, principal)
        self._remember(name, asdict(principal))
        return found

    def known(self, who: Email) -> Home:
        """The person's calendars as last read, wherever that is enough."""
        found = self._last.get(who)
        if found is None:
            return self.home(who)
        return replace(found, account=self._accounts.of(who))

    def forget(self, who: Email) -> None:
        """Read this person's calendars anew at the next need."""
        self._last.pop(who, None)

    def schedules(self, home: Home) -> bool:
        """Tell whether the server itself invites for this calendar (RFC 6638 section 2)."""
        name = f"schedules {urlsplit(home.target.url).netloc}"
        known = self._recall(name)
        if known is None:
            answer = self._dav.ask(home.account, "OPTIONS", home.target.url)
            said = {word.strip() for word in answer.headers.get("DAV", "").lower().split(",")}
            known = "calendar-auto-schedule" in said
            self._remember(name, known)
        addresses = home.principal.addresses
        return bool(known) and (addresses is None or home.who in addresses)

    # --- a principal ------------------------------------------------------------------------

    def _principal(self, account: Account) -> Principal:
        entry = self._at(account.start, account) if account.shared else self._own(account)
        homes = entry.urls(f"{C}calendar-home-set")
        if not homes and not account.shared:
            raise NoCalendar(f"{where(entry.url)}: {account.user} has no calendars there")
        found = Principal(
            url=entry.url,
            home=homes[0] if homes else account.start,
            inbox="".join(entry.urls(f"{C}schedule-inbox-URL")[:1]),
            outbox="".join(entry.urls(f"{C}schedule-outbox-URL")[:1]),
            addresses=_addresses(entry),
        )
        return self._with_inbox(account, found) if found.inbox else found

    def _own(self, account: Account) -> Entry:
        """The principal behind a person's own credentials, from the address or its well-known
        place (RFC 6764 section 6)."""
        path = urlsplit(account.start).path.strip("/")
        known = urlsplit(account.start)._replace(path="/.well-known/caldav", query="").geturl()
        places = [account.start, known] if path else [known, account.start]
        name = f"context {account.start}"
        if context := self._recall(name):
            places.insert(0, context)
        said = NoAnswer(Permanent(f"{where(account.start)}: no calendars are found there"))
        for place in places:
            try:
                entry = self._at(place, account)
            except NoAnswer as error:
                if not isinstance(error.result, Permanent):
                    raise
                said = error
                continue
            if entry.urls(f"{C}calendar-home-set"):
                return entry
            if principals := entry.urls(f"{D}current-user-principal"):
                self._remember(name, entry.url)
                return self._at(principals[0], account)
        raise said

    def _at(self, url: str, account: Account) -> Entry:
        found = self._dav.propfind(account, url, propfind(_PRINCIPAL))
        if not found.entries:
            raise NoCalendar(f"{where(url)}: the server tells nothing of it")
        return found.entries[0]

    def _with_inbox(self, account: Account, found: Principal) -> Principal:
        """What the inbox adds, as far as the server can tell: some stumble over the question."""
        default = self._asked(account, found.inbox, f"{C}schedule-default-calendar-URL")
        hours = self._asked(account, found.inbox, f"{C}calendar-availability")
        places = [url for each in default.entries for url in each.urls(_DEFAULT)]
        texts = [each.text(f"{C}calendar-availability") for each in hours.entries]
        return replace(found, default="".join(places[:1]), hours="".join(texts[:1]))

    def _asked(self, account: Account, url: str, name: str) -> Multistatus:
        headers = {"Depth": "0", "Content-Type": 'application/xml; charset="utf-8"'}
        try:
            answer = self._dav.ask(account, "PROPFIND", url, headers, propfind([name]), again=False)
            return _lenient(answer.status, answer.body, answer.url)
        except NoAnswer:
            return Multistatus(())

    # --- its calendars ----------------------------------------------------------------------

    def _listed(self, who: Email, account: Account, principal: Principal) -> Home:
        said = self._dav.propfind(account, principal.home, propfind(_CALENDAR), depth=1)
        calendars = tuple(
            sorted((_collection(e) for e in said.entries if _is_calendar(e)), key=lambda c: c.url)
        )
        if not calendars:
            raise NoCalendar(f"{where(principal.home)}: {who} has no calendar there; create one")
        target = self._target(who, principal, calendars)
        home = Home(who, account, principal, calendars, target)
        self._last[who] = home
        return home

    def _target(
        self, who: Email, principal: Principal, calendars: tuple[Collection, ...]
    ) -> Collection:
        wanted = self._dav.settings.calendar
        if wanted:
            named = [each for each in calendars if wanted in (each.name, _last_part(each.url))]
            if not named:
                place = where(principal.home)
                raise NoCalendar(f"{place}: {who} has no calendar named {wanted!r}; create it")
            return named[0]
        default = [each for each in calendars if _same(each.url, principal.default)]
        writable = [each for each in calendars if each.writable and each.counts]
        return [*default, *writable, *calendars][0]

    # --- memory -----------------------------------------------------------------------------

    def _recall(self, name: str) -> Any:
        if name not in self._memory:
            for _, (until, value) in self._cache.load([_VERSION + name]):
                self._memory[name] = (until, value)
        until, value = self._memory.get(name, (0.0, None))
        return value if 0 <= until - self._clock() <= DAY else None

    def _remember(self, name: str, value: Any) -> None:
        self._memory[name] = (self._clock() + DAY, value)
        self._cache.save({_VERSION + name: list(self._memory[name])})


_DEFAULT = f"{C}schedule-default-calendar-URL"


def _lenient(status: int, body: bytes, url: str) -> Multistatus:
    from connectors._dav_words import NotDav, multistatus

    try:
        return multistatus(body, url) if status == 207 else Multistatus(())
    except NotDav:
        return Multistatus(())


def _addresses(entry: Entry) -> tuple[str, ...] | None:
    name = f"{C}calendar-user-address-set"
    if name not in entry.props:
        return None
    said = [(each.text or "").strip() for each in entry.props[name].iter(f"{D}href")]
    mails = tuple(email(each) for each in said if each.lower().startswith("mailto:"))
    return mails if mails or not said else None


def _is_calendar(entry: Entry) -> bool:
    if not entry.holds(f"{D}resourcetype", f"{C}calendar"):
        return False
    kinds = entry.props.get(f"{C}supported-calendar-component-set")
    names = {each.get("name", "").upper() for each in kinds} if kinds is not None else set()
    return not names or "VEVENT" in names


def _collection(entry: Entry) -> Collection:
    token, ctag = entry.text(f"{D}sync-token"), entry.text(f"{S}getctag")
    rights = f"{D}current-user-privilege-set"
    return Collection(
        url=entry.url if entry.url.endswith("/") else f"{entry.url}/",
        name=entry.text(f"{D}displayname"),
        mark=f"{ctag} {token}".strip(),
        token=token,
        counts=not entry.holds(f"{C}schedule-calendar-transp", f"{C}transparent"),
        writable=rights not in entry.props or any(entry.holds(rights, x) for x in _WRITING),
        zone=entry.text(f"{C}calendar-timezone"),
    )


def _last_part(url: str) -> str:
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _tuples(kept: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    addresses = kept.get("addresses")
    return {**kept, "addresses": tuple(addresses) if addresses is not None else None}


def place_of(home: Home, uid: str) -> str:
    """The address our event gets in this person's calendar: always the same."""
    return inside(home.target.url, f"{uid}.ics")
