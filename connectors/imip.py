"""Calendars without a calendar server: invitations by mail, busy time from feeds, answers from a
mailbox (RFC 5546, RFC 6047)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import structlog

from connectors._imap import Post
from connectors._imip_feeds import Feeds
from connectors._imip_journal import Journal
from connectors._imip_mail import Sender
from connectors._imip_mailbox import Mailbox
from connectors._imip_notes import Note, Told, observed, set_aside, theirs
from connectors._imip_post import Outgoing
from connectors._imip_sort import Rules
from connectors.smtp import Smtp
from daemon.config.imip import Imip as Section
from daemon.config.model import Config
from daemon.core.domain import (
    Availability,
    Email,
    Interval,
    Invite,
    Meeting,
    Observed,
    Person,
    Problem,
    Uid,
    email,
)
from daemon.core.ports import Calendar, Done, Mailer, Result, Temporary, Unknown

_LOG = structlog.get_logger("imip")
NO_MAILBOX = "nobody reads the answers: add a section [imap]"


def calendar(config: Config) -> Calendar:
    """Open calendars by mail as `[imip]`, `[smtp]` and `[imap]` say."""
    return Imip(config)


class Imip:
    """Mail out through `[smtp]`, answers in through `[imap]`, feeds over the web."""

    def __init__(self, config: Config, mailer: Mailer | None = None) -> None:
        self._settings = config.imip or Section()
        us = email(config.mail.sender)
        self._mailer = mailer or Smtp(config)
        self._journal = Journal(config.at(Path(".cache/imip.db")))
        sender = Sender(us, config.mail.sender_name)
        self._outgoing = Outgoing(self._mailer, self._journal, sender, self._settings.organizer)
        self._mailbox = self._opened_mailbox(config, us)
        self._said: set[str] = set()
        self._feeds = Feeds(
            config.at(Path(".cache/calendars.db")),
            allow_private=self._settings.allow_private,
            minutes=self._settings.feed_minutes,
        )

    def _opened_mailbox(self, config: Config, us: Email) -> Mailbox | None:
        if config.imap is None:
            return None
        required = self._settings.authentication_results == "require"
        rules = Rules(us, self._settings.authserv_id if required else "")
        return Mailbox(Post(config), self._journal, rules)

    # --- busy -------------------------------------------------------------------------------

    def busy(
        self, people: Collection[Person], within: Interval, ours: Collection[Meeting]
    ) -> Mapping[Email, Availability | Unknown]:
        """Tell when each is busy by their feed; without one, as `[imip] without_feed` says."""
        with_feed = [person for person in people if person.calendar_url]
        answer = {p.email: self._without_feed(p) for p in people if not p.calendar_url}
        return answer | self._feeds.busy(with_feed, within, _by_person(ours))

    def _without_feed(self, person: Person) -> Availability | Unknown:
        if self._settings.without_feed == "working_hours":
            return Availability(())
        return Unknown(f"{person.email} has no calendar_url on the roster")

    # --- put, cancel ------------------------------------------------------------------------

    def put(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Mail each invitation to both, unless the organizer has changed the event meanwhile."""
        if not invites:
            return {}
        if left := self._read():
            return {invite.uid: Temporary(left) for invite in invites}
        notes = self._journal.notes([invite.uid for invite in invites])
        told = self._journal.told([invite.uid for invite in invites])
        results: dict[Uid, Result] = {}
        for invite in invites:
            if found := theirs(invite, notes[invite.uid], told.get(invite.uid)):
                results[invite.uid] = Done(invite.uid, found)
        rest = [invite for invite in invites if invite.uid not in results]
        return results | self._outgoing.send(rest, "REQUEST", notes)

    def cancel(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Mail each withdrawal to both; a mailbox that is gone holds no event."""
        if not invites:
            return {}
        notes = self._journal.notes([invite.uid for invite in invites])
        return self._outgoing.send(invites, "CANCEL", notes)

    # --- look -------------------------------------------------------------------------------

    def look(self, meetings: Collection[Meeting]) -> Mapping[Uid, Observed | Unknown]:
        """Tell what people's calendars answered to each invitation."""
        if not meetings:
            return {}
        left = self._read() if self._mailbox else NO_MAILBOX
        if left:
            return {meeting.uid: Unknown(left) for meeting in meetings}
        uids = [meeting.uid for meeting in meetings]
        notes, told = self._journal.notes(uids), self._journal.told(uids)
        for meeting in meetings:
            self._say_once(meeting, notes[meeting.uid], told.get(meeting.uid))
        return {x.uid: observed(x, notes[x.uid], told.get(x.uid)) for x in meetings}

    def _say_once(self, meeting: Meeting, notes: Sequence[Note], told: Told | None) -> None:
        """Log why an answer does not count."""
        for note, why in set_aside(meeting, notes, told):
            if note.id not in self._said:
                self._said.add(note.id)
                _LOG.info("answer.set_aside", uid=meeting.uid, method=note.method, why=why)

    def _read(self) -> str:
        """Read the mailbox; why nothing may be concluded from it yet, or nothing."""
        left = self._mailbox.read() if self._mailbox else 0
        return f"{left} more messages of the mailbox have to be read first" if left else ""

    def doctor(self) -> Iterator[Problem]:
        """Try the way out and the way in. Raises `Trouble` where one does not work."""
        if isinstance(self._mailer, Smtp):
            yield from self._mailer.doctor()
        if self._mailbox is None:
            cure = "add [imap] with host, user and password"
            yield Problem("[calendar]", "nobody reads the answers to invitations", cure)
        else:
            self._mailbox.read()


def _by_person(ours: Collection[Meeting]) -> dict[Email, set[Interval]]:
    found: dict[Email, set[Interval]] = {}
    for meeting in ours:
        for who in (meeting.pair.employee, meeting.pair.manager):
            found.setdefault(who, set()).add(meeting.when)
    return found
