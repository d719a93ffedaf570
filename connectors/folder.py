"""Calendars as folders of files: read for busy time, and our meetings written into both folders."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors import _vdir as vdir
from connectors import _verdict as verdict
from connectors._copies import Copies, Copy, CopyUnreadable
from connectors._ical_write import write
from connectors._readings import Readings, Shelf
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
from daemon.core.ports import Calendar, Done, Permanent, Result, Temporary, Trouble, Unknown

Places = Mapping[Email, vdir.Place]
Act = Callable[[Places, Invite], Result]


def calendar(config: Config) -> Calendar:
    """Open the folder `[calendar] path`."""
    return Folder(config.at(config.calendar.path), config.at(Path(".cache/calendars.db")))


class _Missing(Exception):
    """A person has no calendar here; the message names the path and the cure."""


class Folder:
    """A vdir: `<root>/<email>/*.ics`, or one `<root>/<email>.ics`, or both."""

    def __init__(self, root: Path, cache: Path) -> None:
        self._root = root
        self._readings = Readings(cache)
        self._copies = Copies()

    @property
    def parsed(self) -> int:
        """How many files were parsed for busy time so far."""
        return self._readings.parsed

    # --- busy -------------------------------------------------------------------------------

    def busy(
        self,
        people: Collection[Person],
        within: Interval,
        ours: Collection[Meeting],  # noqa: ARG002 - files name their events
    ) -> Mapping[Email, Availability | Unknown]:
        """Tell when each is busy; our own events are known by their uid and left out."""
        places = self._places()
        answer: dict[Email, Availability | Unknown] = {}
        shelves: list[Shelf] = []
        for person in people:
            try:
                shelves.append(self._shelf(person, self._place(places, person.email)))
            except (_Missing, OSError) as error:
                answer[person.email] = Unknown(str(error))
        return answer | self._readings.busy(shelves, within)

    def _shelf(self, person: Person, place: vdir.Place) -> Shelf:
        """The marks of a person's files, by their paths as a message shows them."""
        above = len(str(self._root.parent)) + 1
        marks = {str(path)[above:]: vdir.fresh_mark(path.stat()) for path in place.files}
        marks |= {each.path[above:]: vdir.fresh_mark(each.stat()) for each in place.listed()}
        return Shelf(person, marks, lambda name: vdir.load(self._root.parent / name))

    def _places(self) -> Places:
        try:
            return vdir.places(self._root)
        except OSError as error:
            why = (
                f"{self._root}: {error.strerror}; create it, with a folder <email>/ for each person"
            )
            raise Trouble(why) from None

    def _place(self, places: Places, who: Email) -> vdir.Place:
        place = places.get(who)
        if place is None:
            where = self._root / who
            raise _Missing(f"{where}: there is no such calendar; create the folder (empty is free)")
        return place

    # --- put --------------------------------------------------------------------------------

    def put(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Write each invite into the folders of both; a repeat finds what it wrote."""
        if not invites:
            return {}
        places = self._places()
        return {invite.uid: self._try(self._put, places, invite) for invite in invites}

    def _try(self, act: Act, places: Places, invite: Invite) -> Result:
        try:
            return act(places, invite)
        except (_Missing, CopyUnreadable) as error:
            return Temporary(str(error))
        except OSError as error:
            return Temporary(f"{error.filename or self._root}: {error.strerror}")

    def _put(self, places: Places, invite: Invite) -> Result:
        owners = [party.email for party in invite.attendees]
        found = {who: self._copy(self._place(places, who), who, invite) for who in owners}
        copies = [copy for copy in found.values() if copy]
        if theirs := verdict.theirs(invite, copies, len(owners)):
            return Done(invite.uid, theirs)
        replies = verdict.kept(invite, copies)
        content = write(verdict.revised(invite, copies), replies=replies)
        results = (self._write(places[who], found[who], invite, content) for who in owners)
        return next((each for each in results if each), Done(invite.uid))

    def _copy(self, place: vdir.Place, who: Email, invite: Invite) -> Copy | None:
        copies = self._copies.find(who, place, invite.uid, ZoneInfo(invite.zone))
        return copies[0] if copies else None

    def _write(
        self, place: vdir.Place, copy: Copy | None, invite: Invite, content: bytes
    ) -> Result | None:
        """Bring one folder up to date; None when it is."""
        if copy is None:
            vdir.make(place.folder)
            path = place.folder / f"{invite.uid}.ics"
            return _read_back(path, content, vdir.create(path, content))
        current = copy.when == Interval(invite.start, invite.end)
        if current and copy.event.sequence >= invite.sequence:
            return None
        if not copy.alone:
            return Permanent(f"{copy.path}: other events stand in the same file; take them out")
        return _read_back(copy.path, content, vdir.replace(copy.path, content, copy.mark))

    # --- cancel -----------------------------------------------------------------------------

    def cancel(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Remove our files from both folders; what is gone, or was never there, is done."""
        if not invites:
            return {}
        places = self._places()
        return {invite.uid: self._try(self._cancel, places, invite) for invite in invites}

    def _cancel(self, places: Places, invite: Invite) -> Result:
        for party in invite.attendees:
            if place := places.get(party.email):
                home = ZoneInfo(invite.zone)
                while copies := self._copies.find(party.email, place, invite.uid, home):
                    if not all(copy.alone for copy in copies):
                        return Permanent(f"{copies[0].path}: other events stand in the same file")
                    for copy in copies:
                        vdir.remove(copy.path)
        return Done(invite.uid)

    # --- look -------------------------------------------------------------------------------

    def look(self, meetings: Collection[Meeting]) -> Mapping[Uid, Observed | Unknown]:
        """Tell where each event stands, and what both answered, from both copies."""
        if not meetings:
            return {}
        places = self._places()
        return {meeting.uid: self._look(places, meeting) for meeting in meetings}

    def _look(self, places: Places, meeting: Meeting) -> Observed | Unknown:
        owners = (meeting.pair.employee, meeting.pair.manager)
        try:
            found = {who: self._seen(places, who, meeting) for who in owners}
        except CopyUnreadable as error:
            return Unknown(str(error), error.owner)
        except (_Missing, OSError) as error:
            return Unknown(str(error))
        for who, copy in found.items():
            if copy is None or copy.event.cancelled:
                return Observed(present=False, by=who)
        return verdict.observed(meeting, [copy for copy in found.values() if copy])

    def _seen(self, places: Places, who: Email, meeting: Meeting) -> Copy | None:
        """A person's copy; where it seems to be missing, the folder is listed once more."""
        home = ZoneInfo(meeting.zone)
        copies = self._copies.find(who, self._place(places, who), meeting.uid, home)
        if not copies:
            again = self._place(self._places(), who)
            copies = self._copies.find(who, again, meeting.uid, home)
        return copies[0] if copies else None


def _read_back(path: Path, content: bytes, written: bool) -> Result | None:
    """Make sure that what stands there now is what was written; None when it is."""
    if written and vdir.load(path) == content:
        return None
    return Temporary(f"{path}: somebody else wrote it at the same moment")
