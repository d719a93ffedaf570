"""What one turn saw and what it decided: two frozen values between observe, decide and record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from daemon.core.days import Closed
from daemon.core.domain import (
    Cadence,
    Due,
    Email,
    History,
    Interval,
    Kind,
    Meeting,
    NoSlot,
    Observed,
    Pair,
    Person,
    Problem,
    Reason,
    Slot,
    Uid,
)
from daemon.core.ports import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything the rules need to know of the world at one moment."""

    now: datetime
    cadence: Cadence
    people: Mapping[Email, Person]
    """The roster to act on: the last good one when today's could not be believed."""
    everybody: Mapping[Email, Person]
    """Leavers too."""
    histories: Mapping[Pair, History]
    """The pairs that are cared for."""
    ended: Mapping[Pair, History] = field(default_factory=dict)
    """Those that ended: their last talk may still want its summary."""
    spent: Mapping[Pair, int] = field(default_factory=dict)
    """Numbers that pairs used before one of the two was erased, and came back."""
    closed: Closed
    seen: Mapping[Uid, Observed | Unknown] = field(default_factory=dict)
    busy: Mapping[Email, tuple[Interval, ...]] = field(default_factory=dict)
    unknown: Mapping[Email, str] = field(default_factory=dict)
    """Why a person's calendar could not be read."""
    unread: Mapping[Email, str] = field(default_factory=dict)
    """The same, with what an earlier look found of those not looked at in this turn."""
    illegible: Mapping[Uid, Unknown] = field(default_factory=dict)
    """Events ahead of which a copy cannot be understood, at this look or the one before."""
    pending: frozenset[Uid] = frozenset()
    """Events whose last revision has not reached the calendars: what they show is not news."""
    refused: Mapping[Uid, str] = field(default_factory=dict)
    """Events the calendars refused for good, and why."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the roster or a whole connection."""
    credentials_refused: bool = False
    """An administrator has to act."""
    last_turn: datetime | None = None

    def pair(self, pair: Pair) -> tuple[Person, Person]:
        """The two people of a pair."""
        return self.everybody[pair.employee], self.everybody[pair.manager]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the turn came to; nothing of it has happened yet."""

    begun: tuple[Pair, ...] = ()
    ended: Mapping[Pair, Reason] = field(default_factory=dict)
    meetings: tuple[Meeting, ...] = ()
    """New and changed meetings as they shall be."""
    before: Mapping[Uid, Meeting] = field(default_factory=dict)
    """The same meetings as they were; a new one is missing here."""
    histories: Mapping[Pair, History] = field(default_factory=dict)
    """Every pair after this decision, also those that end with it."""
    answers: Mapping[tuple[Pair, Kind], Slot | NoSlot] = field(default_factory=dict)
    problems: Mapping[Pair, Reason] = field(default_factory=dict)
    gaps: Mapping[Pair, Due] = field(default_factory=dict)
    """Pairs without a meeting whose window closed or whose tries ran out: the employee is asked."""
