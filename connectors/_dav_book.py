"""Writing one of our events into one calendar: created once, replaced only as we know it."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from connectors._answers import NoAnswer
from connectors._copies import Copy, CopyUnreadable
from connectors._dav import Dav, demand, where
from connectors._dav_homes import Home, place_of
from connectors._dav_sync import GONE, Raw, copy_of, get, search
from connectors._ical_write import write
from daemon.core.domain import Invite, Uid
from daemon.core.ports import Permanent, Result, Temporary

CALENDAR = {"Content-Type": "text/calendar; charset=utf-8"}
_TAKEN = frozenset({403, 409, 412})
"""How servers say that a name or a uid is in use; 403 and 409 mean other things, too."""
_STATUS = re.compile(r'SCHEDULE-STATUS="?([0-9][0-9.]*)')


class Changed(Exception):
    """Somebody wrote the event since we looked at it: look again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Our event in one calendar: what the server holds, and what it says."""

    raw: Raw
    copy: Copy


class Book:
    """Reads, writes and removes one event in one home."""

    def __init__(self, dav: Dav) -> None:
        self._dav = dav

    def find(self, home: Home, invite: Invite) -> list[Standing]:
        """Our event, wherever it stands in a home, the latest word first.

        Raises `NoAnswer` and `CopyUnreadable`.
        """
        zone = ZoneInfo(invite.zone)
        found = [
            Standing(raw, copy_of(raw, home.who, invite.uid, zone))
            for raw in search(self._dav, home, invite.uid)
        ]
        return sorted(found, key=lambda each: each.copy.rank(), reverse=True)

    def create(self, home: Home, invite: Invite, content: bytes) -> Raw:
        """Write an event that must not exist yet, and read it back.

        Raises `Changed` where it does exist, and `NoAnswer`.
        """
        url = place_of(home, invite.uid)
        answer = self._dav.ask(
            home.account, "PUT", url, {**CALENDAR, "If-None-Match": "*"}, content
        )
        if answer.status in _TAKEN and (answer.status == 412 or self._stands(home, invite.uid)):
            raise Changed
        demand(answer, "PUT", url)
        return self._read_back(home, invite, url)

    def replace(self, home: Home, known: Raw, invite: Invite, content: bytes) -> Raw:
        """Put a revision in the place of what is known, and read it back.

        Raises `Changed` where something else stands there by now, and `NoAnswer`.
        """
        match = self._condition(home, known)
        answer = self._dav.ask(home.account, "PUT", known.url, {**CALENDAR, **match}, content)
        if answer.status in {409, 412}:
            raise Changed
        demand(answer, "PUT", known.url)
        return self._read_back(home, invite, known.url)

    def remove(self, home: Home, known: Raw, invite: Invite) -> None:
        """Take an event out; where the server stumbles over that, call it off instead.

        Raises `NoAnswer` and `Changed`.
        """
        quietly = {} if home.who == invite.organizer.email else {"Schedule-Reply": "F"}
        answer = self._dav.ask(home.account, "DELETE", known.url, quietly)
        if answer.ok or answer.status in GONE:
            return
        left = get(self._dav, home, known.url)
        if left is None:
            return
        if answer.status < 500:
            demand(answer, "DELETE", known.url)
        called_off = write(invite, method="CANCEL").replace(b"METHOD:CANCEL\r\n", b"")
        match = self._condition(home, left)
        second = self._dav.ask(home.account, "PUT", known.url, {**CALENDAR, **match}, called_off)
        demand(second, "DELETE", known.url)

    def _condition(self, home: Home, known: Raw) -> dict[str, str]:
        """What makes a write conditional on what we know: the schedule tag where there is one, so
        that an attendee's answer does not stand in the way (RFC 6638 section 3.2.10); a weak
        ETag matches nothing, so what stands there is compared right before."""
        if known.tag:
            return {"If-Schedule-Tag-Match": known.tag}
        if known.etag and not known.etag.startswith("W/"):
            return {"If-Match": known.etag}
        now = get(self._dav, home, known.url)
        if now is None or now.content.split() != known.content.split():
            raise Changed
        return {}

    def _stands(self, home: Home, uid: Uid) -> bool:
        return bool(search(self._dav, home, uid))

    def _read_back(self, home: Home, invite: Invite, url: str) -> Raw:
        """Make sure that what stands there now is what was written."""
        raw = get(self._dav, home, url)
        found = [raw] if raw and raw.names(invite.uid) else search(self._dav, home, invite.uid)
        for each in found:
            try:
                copy = copy_of(each, home.who, invite.uid, ZoneInfo(invite.zone))
            except CopyUnreadable as error:
                raise NoAnswer(Permanent(str(error))) from None
            same = copy.when.start == invite.start and copy.when.end == invite.end
            if same and copy.event.sequence >= invite.sequence:
                return each
        said = f"{where(url)}: what was written does not stand there; somebody else wrote it"
        raise NoAnswer(Temporary(said))


def undelivered(raw: Raw, invite: Invite) -> Result | None:
    """What the server says of having invited the others (SCHEDULE-STATUS, RFC 6638 section
    3.2.9); None: nothing stands against it."""
    for party in invite.attendees[1:]:
        for line in raw.text.split("\n"):
            if not line.startswith("ATTENDEE") or party.email not in line.lower():
                continue
            said = _STATUS.search(line)
            code = said[1] if said else ""
            if code.startswith("3"):
                why = f"the calendar server knows no {party.email} and invited nobody ({code})"
                return Permanent(f"{why}; correct the address, or set scheduling to own")
            if code.startswith("5"):
                why = f"the calendar server could not invite {party.email} ({code})"
                return Temporary(why)
    return None
