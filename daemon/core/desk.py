"""Everything one planning call knows: people, diaries, standing meetings, limits."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from daemon.core.almanac import Almanac
from daemon.core.diary import Diary
from daemon.core.domain import (
    Cadence,
    Due,
    Email,
    Interval,
    Meeting,
    Pair,
    Person,
    Slot,
    State,
    Uid,
)
from daemon.core.intervals import local_day, slots
from daemon.core.request import Request

Closed = Mapping[str, Collection[date]]
"""The public holidays of each country code."""

Busy = Mapping[Email, Sequence[Interval]]
"""When people are busy, merged and sorted, careloop's own meetings left out; who is missing is
unknown."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Load:
    """How many meetings with reports a manager has on each day and in each ISO week."""

    __slots__ = ("_cadence", "days", "weeks")

    def __init__(self, cadence: Cadence) -> None:
        self._cadence = cadence
        self.days: dict[date, int] = defaultdict(int)
        self.weeks: dict[tuple[int, int], int] = defaultdict(int)

    def copy(self) -> "Load":
        """The same load, to be counted on apart."""
        other = Load(self._cadence)
        other.days.update(self.days)
        other.weeks.update(self.weeks)
        return other

    def add(self, day: date, number: int = 1) -> None:
        """Count one meeting more, or with -1 one less."""
        self.days[day] += number
        self.weeks[week_of(day)] += number

    def day_is_full(self, day: date) -> bool:
        """Tell whether a day takes no more."""
        return self.days[day] >= self._cadence.max_per_day

    def week_is_full(self, day: date) -> bool:
        """Tell whether the week of a day takes no more."""
        return self.weeks[week_of(day)] >= self._cadence.max_per_week

    def has_room(self, day: date) -> bool:
        """Tell whether one more meeting is within both limits."""
        return not self.day_is_full(day) and not self.week_is_full(day)


@lru_cache(maxsize=1024)
def week_of(day: date) -> tuple[int, int]:
    """The ISO year and week of a day."""
    return day.isocalendar()[:2]


class Desk:
    """One call's view of the world. `placed` counts as far as it is booked and no due meeting
    replaces it."""

    def __init__(
        self,
        dues: Iterable[Due],
        people: Mapping[Email, Person],
        busy: Busy,
        placed: Collection[Meeting],
        cadence: Cadence,
        closed: Closed,
        now: datetime,
    ) -> None:
        self.people = people
        self.busy = busy
        self.cadence = cadence
        self.now = now
        self.pad = timedelta(minutes=cadence.buffer_minutes)
        self.almanac = Almanac(closed)
        self._meetings: dict[Email, list[Interval]] = defaultdict(list)
        self._led: dict[Email, list[datetime]] = defaultdict(list)
        self._loads: dict[Email, Load] = {}
        self._diaries: dict[Email, Diary] = {}
        replaced = {due.replaces.uid for due in dues if due.replaces}
        self._standing: set[Uid] = set()
        for meeting in placed:
            if meeting.state is State.BOOKED and meeting.uid not in replaced:
                self._standing.add(meeting.uid)
                self._meetings[meeting.pair.employee].append(meeting.when)
                self._meetings[meeting.pair.manager].append(meeting.when)
                self._led[meeting.pair.manager].append(meeting.start)

    def unknown(self, due: Due) -> tuple[Email, ...]:
        """Name those of the two who are not on the roster or whose calendar could not be read."""
        both = (due.pair.employee, due.pair.manager)
        return tuple(who for who in both if who not in self.people or who not in self.busy)

    def request(self, due: Due) -> Request:
        """Begin to look for a time; both must be known."""
        employee, manager = self.diary(due.pair.employee), self.diary(due.pair.manager)
        overlap = self.almanac.overlap(employee.profile, manager.profile, due.minutes)
        return Request(due, employee, manager, overlap, self.now, slots(due.minutes, self.pad))

    def diary(self, who: Email) -> Diary:
        """Open somebody's diary; the same one until all are put away."""
        if who not in self._diaries:
            self._diaries[who] = Diary(
                self.almanac.profile(self.people[who]),
                self.pad,
                self.busy[who],
                self.meetings(who),
                self.leave(who) + self.before_first_day(who),
            )
        return self._diaries[who]

    def close(self) -> None:
        """Put the diaries away; what was booked is kept."""
        self._diaries.clear()

    def meetings(self, who: Email) -> Sequence[Interval]:
        """When somebody has meetings of careloop's, those of this call included."""
        return self._meetings.get(who, ())

    def leave(self, who: Email) -> list[Interval]:
        """When somebody is on leave."""
        person = self.people[who]
        return [self.almanac.away(person.zone, one.first, one.last) for one in person.leave]

    def before_first_day(self, who: Email) -> list[Interval]:
        """The time before somebody's first day, if they have one."""
        person = self.people[who]
        if person.start_date is None:
            return []
        return [Interval(_LONG_AGO, self.almanac.instant(person.zone, person.start_date, 0))]

    def load(self, manager: Email) -> Load:
        """Tell what a manager already has with reports, by the manager's local day and week."""
        if manager not in self._loads:
            load = self._loads[manager] = Load(self.cadence)
            for start in self._led.get(manager, ()):
                load.add(local_day(self.people[manager].zone, start))
        return self._loads[manager]

    @contextmanager
    def without(self, meeting: Meeting | None) -> Iterator[None]:
        """Regard a standing meeting as if it were not there, for as long as the context lasts."""
        if meeting is None or meeting.uid not in self._standing:
            yield
            return
        self._strike(meeting.pair, meeting.when)
        yield
        self._enter(meeting.pair, meeting.when)

    def book(self, slot: Slot) -> None:
        """Enter a meeting for both."""
        self._enter(slot.due.pair, Interval(slot.start, slot.end))

    def free(self, slot: Slot) -> None:
        """Take a meeting of this call out again."""
        self._strike(slot.due.pair, Interval(slot.start, slot.end))

    def _enter(self, pair: Pair, when: Interval) -> None:
        self._count(pair, when, 1)
        for who in (pair.employee, pair.manager):
            self._meetings[who].append(when)
            self._retell(who)

    def _strike(self, pair: Pair, when: Interval) -> None:
        self._count(pair, when, -1)
        for who in (pair.employee, pair.manager):
            self._meetings[who].remove(when)
            self._retell(who)

    def _count(self, pair: Pair, when: Interval, number: int) -> None:
        self.load(pair.manager).add(local_day(self.people[pair.manager].zone, when.start), number)

    def _retell(self, who: Email) -> None:
        if who in self._diaries:
            self._diaries[who].meets(self._meetings[who])
