"""What people do to their meetings in a simulation: they move, decline, fall ill and leave."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from daemon.core.days import today, works_on
from daemon.core.domain import Availability, Email, Interval, Invite, Leave, Person, Uid
from daemon.core.intervals import merge
from daemon.loop.rehearsal import Rehearsal


@dataclass(frozen=True, slots=True)
class Rates:
    """How often people disturb the plan. Moved and cancelled: shares of meetings, as published
    for one-to-ones; the other two: times per person and year."""

    moved: float = 0.42
    cancelled: float = 0.30
    ill: float = 2.0
    leaves: float = 0.10


NONE = Rates(0, 0, 0, 0)
"""Nobody disturbs anything."""


@dataclass(slots=True)
class Fate:
    """Draws what happens; equal seeds draw the same."""

    rates: Rates
    dice: random.Random
    _drawn: set[tuple[object, int]] = field(default_factory=set)
    _plans: dict[Uid, tuple[datetime, str]] = field(default_factory=dict)
    _seen: int = 0

    def strike(self, played: Rehearsal, people: Mapping[Email, Person], now: datetime) -> None:
        """Let a day's disturbances happen, before the turn of that day."""
        self._plan(played, now)
        due = sorted(uid for uid, (at, _) in self._plans.items() if at <= now)
        for uid in due:
            _, deed = self._plans.pop(uid)
            event = played.calendar.events.get(uid)
            if event is not None and event.start > now:
                self._do(deed, event, played, people, now)
        self._fall_ill(played, people, now)
        self._leave(played, people)

    def _plan(self, played: Rehearsal, now: datetime) -> None:
        """Each number of a pair has one fate, drawn when it is first booked."""
        fresh, self._seen = played.calendar.puts[self._seen :], len(played.calendar.puts)
        for event in fresh:
            if (event.pair, event.number) in self._drawn:
                continue
            self._drawn.add((event.pair, event.number))
            deed = self._draw()
            if deed:
                ahead = (event.start - now) * self.dice.random()
                self._plans[event.uid] = (now + ahead, deed)

    def _draw(self) -> str:
        share = self.dice.random()
        if share < self.rates.moved:
            return "move"
        if share < self.rates.moved + self.rates.cancelled:
            return self.dice.choice(("decline", "delete"))
        return ""

    def _do(
        self,
        deed: str,
        event: Invite,
        played: Rehearsal,
        people: Mapping[Email, Person],
        now: datetime,
    ) -> None:
        if deed == "delete":
            played.calendar.delete(event.uid)
        elif deed == "decline":
            played.calendar.decline(event.uid)
        else:
            there = self._another_time(event, played, people, now)
            if there is not None:
                played.calendar.move(event.uid, there)

    def _another_time(
        self, event: Invite, played: Rehearsal, people: Mapping[Email, Person], now: datetime
    ) -> Interval | None:
        """A time within a few days that both see free: people look before they drag."""
        both = [people[party.email] for party in event.attendees if party.email in people]
        length = event.end - event.start
        for _ in range(40):
            days = timedelta(days=self.dice.randint(-4, 5))
            quarter = timedelta(minutes=15 * self.dice.randint(-12, 12))
            there = Interval(event.start + days + quarter, event.start + days + quarter + length)
            if there.start > now and all(_free(p, there, played) for p in both):
                return there
        return None

    def _fall_ill(self, played: Rehearsal, people: Mapping[Email, Person], now: datetime) -> None:
        for who in sorted(people):
            if self.dice.random() < self.rates.ill / 365:
                first = today(now, people[who].zone)
                last = first + timedelta(days=self.dice.randint(0, 4))
                played.staff.falls_ill(who, Leave(first, last))

    def _leave(self, played: Rehearsal, people: Mapping[Email, Person]) -> None:
        for who in sorted(people):
            if people[who].manager is not None and self.dice.random() < self.rates.leaves / 365:
                played.staff.leaves(who)


def _free(person: Person, there: Interval, played: Rehearsal) -> bool:
    day = today(there.start, person.zone)
    if not works_on(person, day, {}):
        return False
    first, last = (x.astimezone(person.zone) for x in (there.start, there.end))
    minutes = [x.hour * 60 + x.minute for x in (first, last)]
    ranges = person.hours.days[first.weekday()]
    if not any(a <= minutes[0] and minutes[1] <= b for a, b in ranges):
        return False
    known = played.calendar.known(person.email)
    if not isinstance(known, Availability):
        return False
    return not any(x.overlaps(there) for x in known.busy) and not any(
        person.email in (p.email for p in e.attendees) and Interval(e.start, e.end).overlaps(there)
        for e in played.calendar.events.values()
    )


def continued(known: Availability, until: datetime) -> Availability:
    """Go on with a calendar beyond its last entry: its last four weeks, again and again."""
    if not known.busy:
        return known
    last = max(x.end for x in known.busy)
    weeks = timedelta(weeks=4)
    pattern = [x for x in known.busy if x.end > last - weeks]
    busy, shift = list(known.busy), weeks
    while last + shift - weeks < until:
        busy += [Interval(x.start + shift, x.end + shift) for x in pattern]
        shift += weeks
    return replace(known, busy=tuple(merge(busy)))
