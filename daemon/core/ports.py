"""The ports: what careloop asks of the world. Each connector implements one or more of them.

Duties of every connector: bounded time and memory per call; no state that a second daemon would
miss; effects may be repeated safely; nothing is guessed: what could not be read is `Unknown`.
A returned result speaks of one row; an exception (`Trouble`) speaks of the whole connection.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from daemon.core.domain import (
    Availability,
    Email,
    Interval,
    Invite,
    Key,
    Mail,
    Meeting,
    Observed,
    Person,
    Roster,
    Uid,
)


@dataclass(frozen=True, slots=True)
class Done:
    """The effect is in the world. `found` is set when the event was already there and a person
    has changed it since: their version stands and nothing was written."""

    id: str = ""
    found: Observed | None = None


@dataclass(frozen=True, slots=True)
class Temporary:
    """Not done, and worth another try: throttled, unreachable, locked."""

    reason: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Permanent:
    """Not done, and trying again will not help: bad address, forbidden, gone."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Perhaps done: the answer was lost. Settled by looking, never by a blind repeat."""

    reason: str


Result = Done | Temporary | Permanent | Ambiguous


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be read, and why (file and line where there is one)."""

    reason: str
    who: Email | None = None
    """`look`: whose copy of the event it is that nobody can understand, in a calendar that can be
    read; None: it is not the event's own fault."""


class Trouble(Exception):
    """The whole connection is out of order for now; the message says what to do next."""

    def __init__(self, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class CredentialsRefused(Trouble):
    """The other side does not accept who we are; an administrator has to act (exit code 12)."""


class Directory(Protocol):
    """Who works here, and for whom."""

    def people(self) -> Roster:
        """Read everybody. Raises `Trouble` when nothing could be read at all."""
        ...


class Calendar(Protocol):
    """Two people's calendars, seen and written."""

    def busy(
        self, people: Collection[Person], within: Interval, ours: Collection[Meeting]
    ) -> Mapping[Email, Availability | Unknown]:
        """Tell when each is busy. Our own meetings (`ours`) are left out of the answer, also where
        the calendar only speaks in anonymous blocks. A person who is missing in the answer is
        unknown too; unknown is never free."""
        ...

    def put(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Create or update each event by its uid; a repeat finds the event it made."""
        ...

    def cancel(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """Withdraw each event; one that is already gone is done."""
        ...

    def look(self, meetings: Collection[Meeting]) -> Mapping[Uid, Observed | Unknown]:
        """Tell what became of each event. Absence is looked at a second time before it is told."""
        ...


class Mailer(Protocol):
    """Letters on their way."""

    def send(self, mails: Sequence[Mail]) -> Mapping[Key, Result]:
        """Try each once."""
        ...

    def sent(self, mails: Sequence[Mail]) -> Mapping[Key, bool | None]:
        """Tell whether each was sent before; None: this channel cannot know."""
        ...
