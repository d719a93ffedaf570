"""Calendars and mail in memory: the same turns, played without touching the world."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon.core.domain import (
    Availability,
    Email,
    Interval,
    Invite,
    Key,
    Leave,
    Mail,
    Meeting,
    Observed,
    Person,
    Reply,
    Roster,
    Uid,
)
from daemon.core.ports import Calendar, Done, Result, Unknown
from daemon.loop.facts import Errand
from daemon.loop.observe import ACCEPTED, fingerprint
from daemon.loop.world import World
from daemon.store import settings
from daemon.wiring import App

LONG = timedelta(days=60)


@dataclass(slots=True)
class PaperCalendar:
    """Real busy times, read once; events on paper. A person may scribble in it."""

    real: Calendar
    until: Interval
    """The whole span that will be asked for."""
    events: dict[Uid, Invite] = field(default_factory=dict)
    seen: dict[Uid, Observed] = field(default_factory=dict)
    """What people did to events: a later time, a no, a deletion."""
    puts: list[Invite] = field(default_factory=list)
    cancels: list[Invite] = field(default_factory=list)
    beyond: Callable[[Availability, datetime], Availability] = lambda known, _: known
    """What to assume of a calendar after its last entry."""
    _known: dict[Email, Availability | Unknown] = field(default_factory=dict)

    def busy(
        self, people: Collection[Person], within: Interval, ours: Collection[Meeting]
    ) -> Mapping[Email, Availability | Unknown]:
        """The real busy times, cut to the asked span."""
        missing = [person for person in people if person.email not in self._known]
        if missing:
            span = Interval(self.until.start, max(self.until.end, within.end))
            found = self.real.busy(missing, span, ours)
            silent = Unknown("the calendar gave no answer")
            for person in missing:
                answer = found.get(person.email, silent)
                if isinstance(answer, Availability):
                    answer = self.beyond(answer, span.end)
                self._known[person.email] = answer
        return {p.email: _cut(self._known[p.email], within) for p in people}

    def put(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Note each event."""
        for invite in invites:
            self.events[invite.uid] = invite
            self.seen.pop(invite.uid, None)
        self.puts.extend(invites)
        return {invite.uid: Done() for invite in invites}

    def cancel(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Strike each event out."""
        for invite in invites:
            self.events.pop(invite.uid, None)
            self.seen.pop(invite.uid, None)
        self.cancels.extend(invites)
        return {invite.uid: Done() for invite in invites}

    def look(self, meetings: Collection[Meeting]) -> Mapping[Uid, Observed | Unknown]:
        """What people scribbled, else the event as it was noted."""
        return {meeting.uid: self._look(meeting) for meeting in meetings}

    def _look(self, meeting: Meeting) -> Observed:
        if meeting.uid in self.seen:
            return self.seen[meeting.uid]
        return Observed(True, meeting.start, meeting.end, meeting.replies)

    def known(self, who: Email) -> Availability | Unknown:
        """What was read of a person's calendar."""
        return self._known.get(who, Unknown("never asked for"))

    def decline(self, uid: Uid) -> None:
        """The manager says no."""
        event = self.events[uid]
        replies = {event.attendees[1].email: Reply.DECLINED}
        self.seen[uid] = Observed(True, event.start, event.end, replies)

    def delete(self, uid: Uid) -> None:
        """Somebody deletes the event."""
        self.seen[uid] = Observed(False)
        self.events.pop(uid)

    def move(self, uid: Uid, start: Interval) -> None:
        """Somebody drags the event to another time."""
        self.seen[uid] = Observed(True, start.start, start.end)


def _cut(known: Availability | Unknown, within: Interval) -> Availability | Unknown:
    if isinstance(known, Unknown):
        return known
    return replace(known, busy=tuple(x for x in known.busy if x.overlaps(within)))


@dataclass(slots=True)
class PaperMail:
    """Letters on paper."""

    mails: list[Mail] = field(default_factory=list)

    def send(self, mails: Sequence[Mail]) -> Mapping[Key, Result]:
        """Put each on the pile."""
        self.mails.extend(mails)
        return {mail.key: Done() for mail in mails}

    def sent(self, mails: Sequence[Mail]) -> Mapping[Key, bool | None]:
        """Look through the pile."""
        keys = {mail.key for mail in self.mails}
        return {mail.key: mail.key in keys for mail in mails}


@dataclass(slots=True)
class PaperStaff:
    """The real roster, read once; people may fall ill and leave."""

    roster: Roster

    def people(self) -> Roster:
        """Who works here today."""
        return self.roster

    def falls_ill(self, who: Email, leave: Leave) -> None:
        """Somebody is away for some days."""
        people = tuple(
            replace(p, leave=(*p.leave, leave)) if p.email == who else p for p in self.roster.people
        )
        self.roster = replace(self.roster, people=people)

    def leaves(self, who: Email) -> None:
        """Somebody leaves; their reports go to the manager above."""
        gone = next(p for p in self.roster.people if p.email == who)
        people = tuple(
            replace(p, manager=gone.manager) if p.manager == who else p
            for p in self.roster.people
            if p.email != who
        )
        self.roster = replace(self.roster, people=people)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """An App whose hands are made of paper, on a throw-away copy of the store."""

    app: App
    calendar: PaperCalendar
    mail: PaperMail
    staff: PaperStaff

    def close(self) -> None:
        """Throw the copy away."""
        self.app.database.close()


def rehearse(app: App, span: Interval, roster: Roster | None = None) -> Rehearsal:
    """Copy the state and put paper in place of every connector; the real busy times stay."""
    calendar = PaperCalendar(app.calendar, Interval(span.start, span.end + LONG))
    mail = PaperMail()
    staff = PaperStaff(roster or app.directory.people())
    unlimited = app.config.mail.model_copy(update={"max_per_hour": 1_000_000})
    copy = App(
        config=app.config.model_copy(update={"mail": unlimited}),
        database=app.database.copy(),
        letters=app.letters,
        links=app.links,
        vault=app.vault,
        clock=app.clock,
        open_directory=lambda _: staff,
        open_calendar=lambda _: calendar,
        open_mailer=lambda _: mail,
        compose=_without_words,
        rehearsal=True,
    )
    if roster is not None:
        with copy.database.writing() as conn:
            settings.put(conn, ACCEPTED, fingerprint(p.email for p in roster.people))
    return Rehearsal(copy, calendar, mail, staff)


def _without_words(app: App, _conn: Connection, errand: Errand, _world: World) -> Mail:
    """A letter that only counts: who gets it, about what."""
    letter = errand.letter
    return Mail(letter.key, Email(app.config.mail.sender), letter.to, "", b"")
