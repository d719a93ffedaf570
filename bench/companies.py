"""A seeded generator of companies: six zones, calendars of clustered events, hard managers."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from daemon.core.domain import (
    OFFICE_HOURS,
    Cadence,
    Due,
    Email,
    Hours,
    Interval,
    Kind,
    Leave,
    Pair,
    Person,
    Window,
)

NOW = datetime(2026, 2, 27, 6, 0, tzinfo=UTC)
"""A Friday; clocks change in America on 8 March and in Europe on 29 March, inside the windows."""

HORIZON = 50
"""For how many days from now calendars are filled."""

ZONES = (
    ("Europe/Berlin", "DE"),
    ("Europe/London", "GB"),
    ("Asia/Kolkata", "IN"),
    ("America/New_York", "US"),
    ("America/Los_Angeles", "US"),
    ("Asia/Tokyo", "JP"),
)

NEAR = ((1, 2), (0, 3), (0, 5), (1, 4), (3,), (2,))
"""For each zone those that share some working hours with it."""

HOLIDAYS: Mapping[str, frozenset[date]] = {
    "DE": frozenset({date(2026, 4, 3), date(2026, 4, 6)}),
    "GB": frozenset({date(2026, 4, 3), date(2026, 4, 6)}),
    "IN": frozenset({date(2026, 3, 4), date(2026, 3, 21), date(2026, 4, 3)}),
    "US": frozenset(),
    "JP": frozenset({date(2026, 3, 20), date(2026, 4, 29)}),
}

EARLY = Hours(((((7 * 60 + 30), 12 * 60), (12 * 60 + 30, 16 * 60)),) * 5 + ((), ()))
"""Early hours with a fixed break."""

POOL = 150
"""How many different calendars there are for each zone and load; people share them beyond."""


@dataclass(frozen=True)
class Company:
    """A company at the moment when all its pairs are due."""

    people: dict[Email, Person]
    busy: dict[Email, Sequence[Interval]]
    dues: list[Due]
    now: datetime = NOW
    cadence: Cadence = field(default_factory=Cadence)
    closed: Mapping[str, frozenset[date]] = field(default_factory=lambda: HOLIDAYS)


def a_company(pairs: int, seed: int = 1, hard: float = 0.02) -> Company:
    """Make a company of this many pairs. A share of `hard` managers has 25 reports and is busy
    90 % of the time; the others have 3 to 12 reports, everybody is busy 40 to 60 %."""
    random = Random(seed)
    calendars = Calendars(random)
    people: dict[Email, Person] = {}
    busy: dict[Email, Sequence[Interval]] = {}
    dues: list[Due] = []
    waiting = deque([_hire(0, None, 0, random)])
    people[waiting[0].email] = waiting[0]
    busy[waiting[0].email] = calendars.pick(0, 0.5)
    while len(dues) < pairs:
        manager = waiting.popleft()
        hardly = random.random() < hard
        if hardly:
            busy[manager.email] = calendars.pick(_zone_of(manager), 0.9)
        reports = 25 if hardly else random.randint(3, 12)
        together = random.random() < 0.3
        begin = random.randint(1, 12)
        for _ in range(min(reports, pairs - len(dues))):
            person = _hire(len(people), manager, _near(_zone_of(manager), random), random)
            people[person.email] = person
            busy[person.email] = calendars.pick(_zone_of(person), random.uniform(0.4, 0.6))
            day = begin if together else random.randint(1, 12)
            dues.append(_due(person, manager, day, random))
            waiting.append(person)
    return Company(people, busy, dues)


def _zone_of(person: Person) -> int:
    return next(number for number, (zone, _) in enumerate(ZONES) if zone == person.zone.key)


def _near(zone: int, random: Random) -> int:
    """The manager's zone for four of five, one that shares hours with it for the others."""
    return random.choice(NEAR[zone]) if random.random() < 0.2 else zone


def _hire(number: int, manager: Person | None, zone: int, random: Random) -> Person:
    if manager and manager.manager is None:
        zone = number % len(ZONES)  # the first line below the top: one head a region
    name, country = ZONES[zone]
    leave: tuple[Leave, ...] = ()
    if random.random() < 0.15:
        first = (NOW + timedelta(days=random.randint(3, 50))).date()
        leave = (Leave(first, first + timedelta(days=random.choice((0, 2, 4, 11)))),)
    return Person(
        email=Email(f"p{number:06}@acme.example"),
        name=f"Person {number}",
        manager=manager.email if manager else None,
        zone=ZoneInfo(name),
        hours=EARLY if random.random() < 0.1 else OFFICE_HOURS,
        country=country,
        leave=leave,
    )


def _due(person: Person, manager: Person, day: int, random: Random) -> Due:
    """A follow-up whose window opens in `day` days, or for one in eight a first meeting."""
    pair = Pair(person.email, manager.email)
    if random.random() < 0.125:
        first = NOW.date() + timedelta(days=1)
        preferred = first + timedelta(days=random.randint(2, 9))
        window = Window(first, first + timedelta(13), preferred, first + timedelta(23))
        return Due(pair, Kind.FIRST, 1, 1, 60, window)
    earliest = NOW.date() + timedelta(days=day)
    window = Window(
        earliest, earliest + timedelta(15), earliest + timedelta(5), earliest + timedelta(25)
    )
    minute = random.randrange(9 * 60 + 15, 16 * 60 + 30, 15)
    return Due(pair, Kind.FOLLOW_UP, 2, 1, 20, window, preferred_minute=minute)


class Calendars:
    """Busy times by zone and load, each made once when it is first asked for."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._made: dict[tuple[int, int, int], tuple[Interval, ...]] = {}

    def pick(self, zone: int, load: float) -> tuple[Interval, ...]:
        """One of the calendars of a zone with about this load."""
        key = (zone, round(load * 20), self._random.randrange(POOL))
        if key not in self._made:
            self._made[key] = tuple(self._fill(ZoneInfo(ZONES[zone][0]), load))
        return self._made[key]

    def _fill(self, zone: ZoneInfo, load: float) -> Iterator[Interval]:
        for number in range(HORIZON):
            day = NOW.date() + timedelta(days=number)
            if day.weekday() < 5:
                midnight = datetime.combine(day, time(), zone)
                for first, last in self._day(load):
                    yield Interval(
                        (midnight + timedelta(minutes=first)).astimezone(UTC),
                        (midnight + timedelta(minutes=last)).astimezone(UTC),
                    )

    def _day(self, load: float) -> list[tuple[int, int]]:
        """Clusters of meetings back to back until about this share of the day is filled."""
        left = round(8 * 60 * load * self._random.uniform(0.85, 1.15))
        free = [True] * 32  # quarters of an hour from nine to five
        found: list[tuple[int, int]] = []
        while left >= 15 and any(free):
            at = self._random.choice([number for number in range(32) if free[number]])
            for _ in range(self._random.randint(1, 4)):
                length = self._random.choice((1, 2, 2, 2, 4, 4, 6))
                length = min(length, -(-left // 15), 32 - at)
                if length < 1 or not all(free[at : at + length]):
                    break
                free[at : at + length] = [False] * length
                found.append((540 + at * 15, 540 + (at + length) * 15))
                at += length
                left -= length * 15
        return sorted(found)
