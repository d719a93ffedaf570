"""Calendars on CalDAV servers: one event for each meeting, invited by the server or by us."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors import _verdict as verdict
from connectors._answers import NoAnswer
from connectors._copies import Copy, CopyUnreadable
from connectors._dav import Dav
from connectors._dav_accounts import Accounts, NoCalendar
from connectors._dav_book import Book, Changed, Standing, undelivered
from connectors._dav_busy import Availabilities
from connectors._dav_discovery import Discovery
from connectors._dav_homes import Home
from connectors._dav_sync import Mirrors, copy_of, search
from connectors._ical_write import write
from daemon.config.model import Config
from daemon.core.domain import (
    Availability,
    Email,
    Interval,
    Invite,
    Meeting,
    Observed,
    Person,
    Uid,
)
from daemon.core.ports import Calendar, Done, Permanent, Result, Temporary, Unknown

_ONE_TURN = 30.0
"""Seconds for which what `look` found out of calendars is good enough for `busy`."""
_TRIES = 3

Found = Mapping[Email, Home | NoAnswer]


def calendar(config: Config) -> Calendar:
    """Open the server of the section [caldav], without any call."""
    return Caldav(config)


class Turns:
    """One at a time for each person, several persons at once."""

    def __init__(self) -> None:
        self._locks: defaultdict[Email, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    @contextmanager
    def of(self, people: Iterable[Email]) -> Iterator[None]:
        """Wait for all of them; always in the same order, so that nobody waits for ever."""
        with self._guard:
            locks = [self._locks[who] for who in sorted(set(people))]
        with ExitStack() as held:
            for lock in locks:
                held.enter_context(lock)
            yield


class Caldav:
    """The `Calendar` of a CalDAV server (daemon/core/ports.py)."""

    def __init__(self, config: Config, sleep: Callable[[float], None] = time.sleep) -> None:
        assert config.caldav is not None, "the section [caldav] is checked when the file is read"
        self.settings = config.caldav
        self.dav = Dav(config, sleep)
        folder = config.at(Path(".cache"))
        accounts = Accounts(config.caldav, config.root)
        self.discovery = Discovery(self.dav, accounts, folder / "caldav.db")
        self.mirrors = Mirrors(self.dav)
        self.availabilities = Availabilities(self.dav, folder)
        self._book = Book(self.dav)
        self._turns = Turns()
        self._seen: dict[Email, tuple[float, Home | NoAnswer]] = {}

    def close(self) -> None:
        """Close every kept connection."""
        self.dav.close()

    # --- homes ------------------------------------------------------------------------------

    def _homes(self, people: Collection[Email]) -> Found:
        """Everybody's calendars as they are now, or why they cannot be had."""
        rows = sorted(people)
        return dict(zip(rows, self.dav.each(self.discovery.home, rows), strict=True))

    def _invites(self, home: Home) -> bool:
        """Tell whether the server invites for this organizer."""
        told = self.settings.scheduling
        return told == "server" or (told == "auto" and self.discovery.schedules(home))

    # --- busy -------------------------------------------------------------------------------

    def busy(
        self, people: Collection[Person], within: Interval, ours: Collection[Meeting]
    ) -> Mapping[Email, Availability | Unknown]:
        """See `Calendar.busy`."""
        if not people:
            return {}
        homes = self._recent({person.email for person in people})
        return self.availabilities.busy(list(people), within, ours, homes)

    def _recent(self, people: Collection[Email]) -> Found:
        """Calendars as `look` just saw them, each used once; the others are read."""
        now, kept = time.monotonic(), self._seen
        self._seen = {}
        recent = {who: home for who, (at, home) in kept.items() if now - at < _ONE_TURN}
        known = {who: recent[who] for who in people if who in recent}
        return {**known, **self._homes([who for who in people if who not in known])}

    # --- put --------------------------------------------------------------------------------

    def put(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """See `Calendar.put`: each is looked for, unless it cannot be there yet."""
        return self._rows(self._put, invites)

    def _put(self, invite: Invite) -> Result:
        fresh = invite.fresh
        for _ in range(_TRIES):
            try:
                return self._put_once(invite, fresh)
            except Changed:
                fresh = False
        return _CHANGING

    def _put_once(self, invite: Invite, fresh: bool) -> Result:
        homes = self._taking_part(invite)
        found = {home.who: [] if fresh else self._book.find(home, invite) for home in homes}
        copies = [each[0].copy for each in found.values() if each]
        if theirs := verdict.theirs(invite, copies, len(homes)):
            return Done(invite.uid, theirs)
        content = write(
            verdict.revised(invite, copies),
            replies=verdict.kept(invite, copies),
            unscheduled=len(homes) > 1 and self.discovery.schedules(homes[0]),
        )
        results = [self._written(home, found[home.who], invite, content) for home in homes]
        return next((each for each in results if each), Done(invite.uid))

    def _taking_part(self, invite: Invite) -> list[Home]:
        """Whose calendars we write to: the organizer's, and without a server that invites, the
        others' too. The organizer stands first."""
        organizer = self.discovery.known(invite.organizer.email)
        if self._invites(organizer):
            return [organizer]
        others = [p.email for p in invite.attendees if p.email != organizer.who]
        return [organizer, *(self.discovery.known(who) for who in others)]

    def _written(
        self, home: Home, found: Sequence[Standing], invite: Invite, content: bytes
    ) -> Result | None:
        """Bring one calendar up to date; None when it is."""
        if not found:
            raw = self._book.create(home, invite, content)
        elif _is_current(found[0].copy, invite):
            raw = found[0].raw
        elif not found[0].copy.alone:
            return Permanent(f"{found[0].copy.path}: other events stand in the same resource")
        else:
            raw = self._book.replace(home, found[0].raw, invite, content)
        refusal = undelivered(raw, invite) if self._invites(home) else None
        if isinstance(refusal, Permanent) and not found:
            self._book.remove(home, raw, invite)
        return refusal

    def _rows(
        self, act: Callable[[Invite], Result], invites: Sequence[Invite]
    ) -> Mapping[Uid, Result]:
        """One result for each row, several rows at once, but never two about one person: a
        server may invite before it finds a calendar locked, and again when asked again."""

        def row(invite: Invite) -> Result:
            try:
                with self._turns.of(party.email for party in invite.attendees):
                    return act(invite)
            except NoCalendar as error:
                return error.result
            except NoAnswer as error:
                for party in invite.attendees:
                    self.discovery.forget(party.email)
                return error.result
            except CopyUnreadable as error:
                return Temporary(str(error))

        results = self.dav.each(row, invites)
        return {
            invite.uid: result.result if isinstance(result, NoAnswer) else result
            for invite, result in zip(invites, results, strict=True)
        }

    # --- cancel -----------------------------------------------------------------------------

    def cancel(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """See `Calendar.cancel`: where the server invites, it also tells the others."""
        return self._rows(self._cancel, invites)

    def _cancel(self, invite: Invite) -> Result:
        """Take it out of every calendar that still is there: a leaver's may be gone."""
        missing = []
        for party in invite.attendees:
            try:
                home = self.discovery.known(party.email)
            except NoCalendar as error:
                missing.append(error.reason)
                continue
            found = search(self.dav, home, invite.uid)
            for each in found:
                copy = copy_of(each, home.who, invite.uid, ZoneInfo(invite.zone))
                if not copy.alone:
                    return Permanent(f"{copy.path}: other events stand in the same resource")
                self._book.remove(home, each, invite)
            if found and party.email == invite.organizer.email and self._invites(home):
                break
        whole = len(missing) < len(invite.attendees)
        return Done(invite.uid) if whole else Permanent("; ".join(missing))

    # --- look -------------------------------------------------------------------------------

    def look(self, meetings: Collection[Meeting]) -> Mapping[Uid, Observed | Unknown]:
        """See `Calendar.look`: what the mirror lacks is looked for on the server itself."""
        if not meetings:
            return {}
        homes = self._homes({who for m in meetings for who in (m.pair.employee, m.pair.manager)})
        now = time.monotonic()
        self._seen = {who: (now, home) for who, home in homes.items()}
        fresh = self._refreshed(meetings, homes)
        rows = list(meetings)
        seen = self.dav.each(lambda meeting: self._look(meeting, fresh), rows)
        return {
            meeting.uid: Unknown(told.reason) if isinstance(told, NoAnswer) else told
            for meeting, told in zip(rows, seen, strict=True)
        }

    def _refreshed(self, meetings: Collection[Meeting], homes: Found) -> Found:
        """The homes that matter, with their mirrors brought up to date."""
        wanted: dict[Email, Home | NoAnswer] = {}
        for meeting in meetings:
            wanted |= {who: homes[who] for who in self._owners(meeting, homes)}
        good = [home for home in wanted.values() if isinstance(home, Home)]
        for home, result in zip(good, self.dav.each(self.mirrors.refresh, good), strict=True):
            if isinstance(result, NoAnswer):
                wanted[home.who] = result
        return wanted

    def _owners(self, meeting: Meeting, homes: Found) -> Sequence[Email]:
        """Whose copies count: where the server invites, the organizer's holds every answer."""
        home = homes[meeting.pair.employee]
        if isinstance(home, Home) and self._invites(home):
            return (meeting.pair.employee,)
        return (meeting.pair.employee, meeting.pair.manager)

    def _look(self, meeting: Meeting, homes: Found) -> Observed | Unknown:
        copies: list[Copy] = []
        try:
            for who in self._owners(meeting, homes):
                copy = self._seen_copy(homes[who], meeting)
                if copy is None or copy.event.cancelled:
                    return Observed(present=False, by=who)
                copies.append(copy)
        except CopyUnreadable as error:
            return Unknown(str(error), error.owner)
        return verdict.observed(meeting, copies)

    def _seen_copy(self, home: Home | NoAnswer, meeting: Meeting) -> Copy | None:
        if isinstance(home, NoAnswer):
            raise home
        zone = ZoneInfo(meeting.zone)
        raws = self.mirrors.find(home, meeting.uid) or search(self.dav, home, meeting.uid)
        copies = [copy_of(raw, home.who, meeting.uid, zone) for raw in raws]
        return max(copies, key=Copy.rank) if copies else None


_CHANGING = Temporary("the event is being changed by somebody else just now")


def _is_current(copy: Copy, invite: Invite) -> bool:
    stands = copy.when == Interval(invite.start, invite.end)
    return stands and copy.event.sequence >= invite.sequence
