"""The straightforward way: try every start of every day, with each rule as a plain sentence.

It shares nothing with the planner but the words and the prices, so it is also the judge of the
hard rules: `broken` names those a meeting breaks.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.core.domain import Cadence, Due, Email, Interval, Pair, Person
from daemon.core.preferences import COMPANY, price

STEP = timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)


@dataclass
class World:
    """What a company looks like while meetings are entered one by one."""

    people: Mapping[Email, Person]
    busy: Mapping[Email, Sequence[Interval]]
    cadence: Cadence
    closed: Mapping[str, Collection[date]]
    now: datetime

    def __post_init__(self) -> None:
        self.by_day: dict[Email, dict[date, list[Interval]]] = {}
        self.meetings: dict[Email, list[Interval]] = defaultdict(list)
        self.on_day: Counter[tuple[Email, date]] = Counter()
        self.in_week: Counter[tuple[Email, tuple[int, int]]] = Counter()

    def enter(self, pair: Pair, when: Interval) -> None:
        """Book a meeting of a pair."""
        self.meetings[pair.employee].append(when)
        self.meetings[pair.manager].append(when)
        day = when.start.astimezone(self.people[pair.manager].zone).date()
        self.on_day[pair.manager, day] += 1
        self.in_week[pair.manager, day.isocalendar()[:2]] += 1

    def busy_near(self, who: Email, when: Interval) -> Iterator[Interval]:
        """The busy times of the days around a meeting; sorted into days once a person."""
        if who not in self.by_day:
            days: dict[date, list[Interval]] = defaultdict(list)
            for one in self.busy[who]:
                day = (one.start - timedelta(days=1)).date()
                while day <= (one.end + timedelta(days=1)).date():
                    days[day].append(one)
                    day += timedelta(days=1)
            self.by_day[who] = days
        return iter(self.by_day[who].get(when.start.date(), ()))


def works(person: Person, when: Interval, closed: Mapping[str, Collection[date]]) -> bool:
    """Tell whether a person works all through an interval: every range of every day it meets,
    on the wall clock."""
    moment = when.start
    while moment < when.end:
        local = moment.astimezone(person.zone)
        day, minute = local.date(), local.hour * 60 + local.minute
        ranges = person.hours.days[day.weekday()]
        found = next((last for first, last in ranges if first <= minute < last), None)
        if found is None or day in closed.get(person.country, ()):
            return False
        if any(one.first <= day <= one.last for one in person.leave):
            return False
        if person.start_date and day < person.start_date:
            return False
        moment += min(found - minute, 15) * _MINUTE if _steady(person.zone, moment) else _MINUTE
    return True


def _steady(zone: ZoneInfo, moment: datetime) -> bool:
    later = moment + timedelta(minutes=30)
    return moment.astimezone(zone).utcoffset() == later.astimezone(zone).utcoffset()


def clear(zone: ZoneInfo, moment: datetime) -> bool:
    """Tell whether the wall clock shows this time only once."""
    local = moment.astimezone(zone)
    return local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()


def broken(world: World, due: Due, start: datetime) -> str | None:
    """Name the first hard rule that a meeting of this due at `start` breaks; None: it is good."""
    when = Interval(start, start + timedelta(minutes=due.minutes))
    employee, manager = (world.people[who] for who in (due.pair.employee, due.pair.manager))
    day = start.astimezone(employee.zone).date()
    if not due.window.earliest <= day <= max(due.window.latest, due.window.late_until):
        return "window"
    if start < max(world.now, due.not_before or world.now):
        return "notice"
    if any(one.overlaps(when) for one in due.not_at):
        return "refused"
    return (
        _in_the_way_of(world, employee, when)
        or _in_the_way_of(world, manager, when)
        or _over_limit(world, manager, start.astimezone(manager.zone).date())
    )


def _in_the_way_of(world: World, person: Person, when: Interval) -> str | None:
    roomy = when.widened(timedelta(minutes=world.cadence.buffer_minutes))
    if any(one.overlaps(roomy) for one in world.busy_near(person.email, when)):
        return "busy"
    if any(one.overlaps(roomy) for one in world.meetings[person.email]):
        return "meeting"
    if not works(person, when, world.closed):
        return "hours"
    if not clear(person.zone, when.start) or not clear(person.zone, when.end):
        return "clock"
    return None


def _over_limit(world: World, manager: Person, day: date) -> str | None:
    if world.on_day[manager.email, day] >= world.cadence.max_per_day:
        return "limit a day"
    if world.in_week[manager.email, day.isocalendar()[:2]] >= world.cadence.max_per_week:
        return "limit a week"
    return None


def starts(
    due: Due, zone: ZoneInfo, hours: Sequence[Sequence[tuple[int, int]]]
) -> Iterator[datetime]:
    """Every start of the grid in the employee's working ranges of the window, late days too."""
    day = due.window.earliest
    while day <= max(due.window.latest, due.window.late_until):
        for first, last in hours[day.weekday()]:
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            moment = (midnight + first * _MINUTE).astimezone(UTC)
            moment += -(moment - datetime(2000, 1, 1, tzinfo=UTC)) % STEP
            end = (midnight + last * _MINUTE).astimezone(UTC)
            while moment < end:
                yield moment
                moment += STEP
        day += timedelta(days=1)


def scan(world: World, dues: Sequence[Due]) -> dict[Pair, datetime | None]:
    """Place pair after pair at the start that is cheapest at that moment."""
    found: dict[Pair, datetime | None] = {}
    for due in dues:
        employee, manager = (world.people[who] for who in (due.pair.employee, due.pair.manager))
        best: tuple[int, int, datetime] | None = None
        for start in starts(due, employee.zone, employee.hours.days):
            if broken(world, due, start) is None:
                theirs = start.astimezone(manager.zone).date()
                local = start.astimezone(employee.zone)
                cost = price(due.window, local.date())
                cost += COMPANY * world.on_day[manager.email, theirs]
                aim = due.preferred_minute if due.preferred_minute is not None else 600
                best = min(
                    best or (cost, 9999, start),
                    (cost, abs(local.hour * 60 + local.minute - aim), start),
                )
        found[due.pair] = best[2] if best else None
        if best:
            world.enter(due.pair, Interval(best[2], best[2] + timedelta(minutes=due.minutes)))
    return found


def every_start(first: datetime, last: datetime) -> Iterator[datetime]:
    """Every start of the grid in `[first, last)`."""
    moment = first + -(first - datetime(2000, 1, 1, tzinfo=UTC)) % STEP
    while moment < last:
        yield moment
        moment += STEP
