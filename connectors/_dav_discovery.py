"""Where a person's calendars are and what their server can do: found once, remembered for a day.

From the server's well-known address to the principal, the calendar home and its calendars
(RFC 6764, RFC 4791 section 6.2, RFC 6638 section 2).
"""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors._answers import NoAnswer
from connectors._cache import Cache
from connectors._dav import Dav, where
from connectors._dav_accounts import Account, Accounts, NoCalendar
from connectors._dav_homes import (
    CALENDAR,
    Collection,
    Home,
    Principal,
    addresses,
    collection,
    is_calendar,
)
from connectors._dav_words import C, D, Entry, NotDav, multistatus, propfind
from daemon.core.domain import Email
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
_DEFAULT = f"{C}schedule-default-calendar-URL"
_HOURS = f"{C}calendar-availability"


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
        mails = home.principal.addresses
        return bool(known) and (mails is None or home.who in mails)

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
            addresses=addresses(entry),
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
        """What the inbox adds, as far as the server can tell: some stumble over the hours."""
        said = self._asked(account, found.inbox, (_DEFAULT, _HOURS))
        said = said or self._asked(account, found.inbox, (_DEFAULT,))
        places = [url for each in said for url in each.urls(_DEFAULT)]
        hours = [each.text(_HOURS) for each in said]
        return replace(found, default="".join(places[:1]), hours="".join(hours[:1]))

    def _asked(self, account: Account, url: str, names: tuple[str, ...]) -> tuple[Entry, ...]:
        """The properties of one resource; nothing, where the server cannot answer."""
        headers = {"Depth": "0", "Content-Type": 'application/xml; charset="utf-8"'}
        try:
            answer = self._dav.ask(account, "PROPFIND", url, headers, propfind(names), again=False)
            return multistatus(answer.body, url).entries if answer.status == 207 else ()
        except (NoAnswer, NotDav):
            return ()

    # --- its calendars ----------------------------------------------------------------------

    def _listed(self, who: Email, account: Account, principal: Principal) -> Home:
        said = self._dav.propfind(account, principal.home, propfind(CALENDAR), depth=1)
        calendars = tuple(
            sorted((collection(e) for e in said.entries if is_calendar(e)), key=lambda c: c.url)
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


def _last_part(url: str) -> str:
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _tuples(kept: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    mails = kept.get("addresses")
    return {**kept, "addresses": tuple(mails) if mails is not None else None}
