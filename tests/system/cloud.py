"""A company whose calendars and mailboxes stand with a provider: played day by day, people and all,
with the same invariants as on files."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from daemon.core.domain import Interval
from daemon.wiring import App
from tests.system.company import Company
from tests.system.invariants import Books, Event, Shelves
from tests.system.playing import fingerprint, opened, turn

Pairing = tuple[str, str]


class Tenant(Shelves, Protocol):
    """A company at a provider: what its books show, and the hands of its people."""

    company: Company

    def changes(self) -> Counter[str]:
        """What was asked for so far that changes something, counted by its name."""
        ...

    def drag(self, who: str, event: Event, to: Interval) -> None:
        """Somebody moves one of our events."""
        ...

    def decline(self, who: str, event: Event) -> None:
        """Somebody answers no."""
        ...

    def delete(self, who: str, event: Event) -> None:
        """Somebody deletes one of our events."""
        ...

    def propose(self, who: str, event: Event, to: Interval) -> bool:
        """Somebody asks for another time; False: this provider knows no such thing."""
        ...

    def appoint(self, who: str, span: Interval, *, leave: bool = False) -> None:
        """Somebody enters an appointment of their own, or an absence."""
        ...


@dataclass
class Scene:
    """A company in play: turns, what people do, and what an observer finds."""

    tenant: Tenant
    start: datetime
    books: Books = field(init=False)
    did: Counter[str] = field(default_factory=Counter)
    """What people did, and how often."""
    touched: set[str] = field(default_factory=set)
    excused: set[Pairing] = field(default_factory=set)
    """Pairs with a refused talk: the slot after it may lie beyond the window."""

    def __post_init__(self) -> None:
        self.books = Books(self.tenant.company, self.tenant)

    def play(self, days: int) -> None:
        """Take a turn a day; every third day somebody does something, and a second turn follows,
        which must change nothing."""
        app = opened(self.tenant.company)
        try:
            for day in range(days):
                self._day(app, day)
        finally:
            app.database.close()

    def _day(self, app: App, day: int) -> None:
        now = self.start + timedelta(days=day)
        if day % 3 == 1:
            self._somebody_acts(day, now)
        turn(app, now)
        self.books.look(now)
        self.check_one_ahead(now)
        if day % 3 == 1:
            self._second_turn(app, now)

    def _second_turn(self, app: App, now: datetime) -> None:
        before = (self.tenant.changes(), fingerprint(self.tenant.company.root))
        turn(app, now)
        if (self.tenant.changes(), fingerprint(self.tenant.company.root)) != before:
            self.books.faults.append(f"{now}: the second turn changed something")

    def check(self, days: int) -> None:
        """Check everything that can only be told in the end."""
        self.books.check_times()
        self.books.check_rhythm(frozenset(self.excused))
        self.books.check_letters(settled_before=self.start + timedelta(days=days - 4))

    # --- people -----------------------------------------------------------------------------

    def _somebody_acts(self, day: int, now: datetime) -> None:
        """One person does something to a talk some days ahead that nobody has touched yet."""
        acts: tuple[Callable[[Event, datetime], bool], ...] = (
            self._drag,
            self._decline,
            self._delete,
            self._conflict,
            self._propose,
            self._leave,
        )
        act = acts[day // 3 % len(acts)]
        for event in self.ahead(now):
            if act(event, now):
                self.touched.add(event.uid)
                self.did[act.__name__.strip("_")] += 1
                return

    def ahead(self, now: datetime) -> Iterator[Event]:
        """The talks some days ahead that nobody has touched yet."""
        events = (next(iter(copies.values())) for copies in self.books.events.values())
        for event in sorted(events, key=lambda one: one.uid):
            if event.start > now + timedelta(days=3) and event.uid not in self.touched:
                yield event

    def _drag(self, event: Event, now: datetime) -> bool:
        there = self.another_time(event, now)
        if there:
            self.tenant.drag(event.organizer, event, there)
            self.tenant.company.chosen[event.uid] = there.start
        return there is not None

    def _decline(self, event: Event, _: datetime) -> bool:
        self.tenant.decline(_manager(event), event)
        self.excused.add(_pair(event))
        return True

    def _delete(self, event: Event, _: datetime) -> bool:
        self.tenant.delete(event.organizer, event)
        self.excused.add(_pair(event))
        return True

    def _propose(self, event: Event, now: datetime) -> bool:
        there = self.another_time(event, now)
        return there is not None and self.tenant.propose(_manager(event), event, there)

    def _conflict(self, event: Event, _: datetime) -> bool:
        self._appoint(_manager(event), Interval(event.start, event.end), leave=False)
        return True

    def _leave(self, event: Event, _: datetime) -> bool:
        zone = ZoneInfo(self.tenant.company.people[event.organizer].zone)
        first = event.start.astimezone(zone).replace(hour=0, minute=0)
        away = Interval(first, (first + timedelta(days=2)))
        self._appoint(event.organizer, away, leave=True)
        return True

    def _appoint(self, who: str, span: Interval, *, leave: bool) -> None:
        self.tenant.company.people[who].busy.append((span.start, span.end))
        self.tenant.appoint(who, span, leave=leave)

    def another_time(self, event: Event, now: datetime) -> Interval | None:
        """A time on the following days that suits both and keeps the rhythm."""
        length = event.end - event.start
        for quarters in range(8, 8 * 24 * 4):
            start = event.start + timedelta(minutes=15 * quarters)
            there = replace(event, start=start, end=start + length)
            if start > now + timedelta(days=3) and self.books.suits(there) and self._keeps(there):
                return Interval(start, start + length)
        return None

    def _keeps(self, event: Event) -> bool:
        zone = ZoneInfo(self.tenant.company.people[event.organizer].zone)
        held = [one.start for one in self.books.held.values() if one.attendees == event.attendees]
        if not held:
            return True
        gap = event.start.astimezone(zone).date() - max(held).astimezone(zone).date()
        return 30 <= gap.days <= 45

    def check_one_ahead(self, now: datetime) -> None:
        """No pair has two talks ahead."""
        events = (next(iter(copies.values())) for copies in self.books.events.values())
        ahead = Counter(_pair(one) for one in events if one.start > now)
        many = {pair: count for pair, count in ahead.items() if count > 1}
        if many:
            self.books.faults.append(f"{now}: several meetings ahead: {many}")


def _manager(event: Event) -> str:
    (manager,) = event.attendees - {event.organizer}
    return manager


def _pair(event: Event) -> Pairing:
    return event.organizer, _manager(event)
