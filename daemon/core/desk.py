"""Everything one planning call knows: people, diaries, standing meetings, limits."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from daemon.core.almanac import Almanac
from daemon.core.assignment import week_of
from daemon.core.diary import Diary
from daemon.core.domain import Cadence, Due, Email, Interval, Meeting, Person, State
from daemon.core.intervals import local_day
from daemon.core.request import Request

Closed = Mapping[str, Collection[date]]
"""The public holidays of each country code."""

Busy = Mapping[Email, Sequence[Interval]]
"""When people are busy, careloop's own meetings left out; who is missing is unknown."""


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
        self.almanac = Almanac(closed, now)
        self.meetings: dict[Email, list[Meeting]] = defaultdict(list)
        self._diaries: dict[Email, Diary] = {}
        replaced = {due.replaces.uid for due in dues if due.replaces}
        for meeting in placed:
            if meeting.state is State.BOOKED and meeting.uid not in replaced:
                self.meetings[meeting.pair.employee].append(meeting)
                self.meetings[meeting.pair.manager].append(meeting)

    def unknown(self, due: Due) -> tuple[Email, ...]:
        """Name those of the two who are not on the roster or whose calendar could not be read."""
        both = (due.pair.employee, due.pair.manager)
        return tuple(who for who in both if who not in self.people or who not in self.busy)

    def diary(self, who: Email) -> Diary:
        """Open somebody's diary; the same one every time."""
        if who not in self._diaries:
            self._diaries[who] = Diary(
                self.almanac.profile(self.people[who]),
                self.almanac,
                self.pad,
                (*self.busy[who], *(meeting.when for meeting in self.meetings.get(who, ()))),
            )
        return self._diaries[who]

    def request(self, due: Due) -> Request:
        """Begin to look for a time; both must be known."""
        employee, manager = self.diary(due.pair.employee), self.diary(due.pair.manager)
        return Request(due, employee, manager, self.almanac, self.now, self.pad)

    def standing(self, manager: Email) -> Counter[date]:
        """Count the meetings a manager already has with reports, by the manager's local day."""
        zone = self.people[manager].zone
        return Counter(
            local_day(zone, meeting.start)
            for meeting in self.meetings.get(manager, ())
            if meeting.pair.manager == manager
        )

    def has_room(self, manager: Email, day: date) -> bool:
        """Tell whether a manager's limits leave room for one more meeting on a local day."""
        standing = self.standing(manager)
        week = sum(n for other, n in standing.items() if week_of(other) == week_of(day))
        return standing[day] < self.cadence.max_per_day and week < self.cadence.max_per_week
