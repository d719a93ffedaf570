"""Working hours and zone from a person's primary calendar, remembered for a day."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from connectors._google_transport import Call, Reply, Surface
from connectors._google_words import Failure
from daemon.core.domain import Email, Hours, Person
from daemon.core.ports import Permanent, Unknown

DAY = 24 * 60 * 60.0
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a calendar says of its owner; None where it says nothing."""

    zone: ZoneInfo | None = None
    hours: Hours | None = None


class Profiles:
    """Profiles by person, per process. Where the roster speaks, nobody is asked."""

    def __init__(self, surface: Surface, clock: Callable[[], float]) -> None:
        self._surface = surface
        self._clock = clock
        self._known: dict[Email, tuple[float, Profile]] = {}
        self._missing: dict[Email, str] = {}

    def stale(self, people: Collection[Person]) -> list[Email]:
        """Whose profile has to be read (again) now."""
        now = self._clock()
        silent = {person.email for person in people if _is_silent(person)}
        return sorted(who for who in silent if self._known.get(who, (0.0,))[0] <= now)

    def call(self, subject: Email, who: Email) -> Call:
        """Ask for one profile (calendars.get), in the name of `subject`."""
        calendar = "primary" if subject == who else who
        return Call(subject, self._surface.api.calendars.get(calendarId=calendar), "id")

    def learn(self, replies: Iterable[tuple[Email, Reply]]) -> None:
        """Remember what was answered; a calendar that is closed to us says nothing."""
        for who, reply in replies:
            if not isinstance(reply, Failure):
                self._known[who] = (self._clock() + DAY, _profile(reply))
            elif isinstance(reply.result, Permanent):
                self._known.setdefault(who, (self._clock() + DAY, Profile()))
            else:
                self._missing[who] = reply.result.reason

    def known(self, person: Person) -> Profile | Unknown:
        """What is known of a person; `Unknown` while it could not be read even once."""
        if not _is_silent(person):
            return Profile()
        if person.email not in self._known:
            reason = self._missing.get(person.email, "not asked")
            return Unknown(f"the working hours of {person.email} are not read yet: {reason}")
        return self._known[person.email][1]


def _is_silent(person: Person) -> bool:
    return not {"zone", "hours"} <= person.stated


def _profile(calendar: Mapping[str, Any]) -> Profile:
    return Profile(_zone(str(calendar.get("timeZone", ""))), _hours(calendar.get("workingHours")))


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def _hours(said: Any) -> Hours | None:
    """Read `workingHours` (Calendar API v3, Calendar); None: switched off or unreadable."""
    if not isinstance(said, Mapping) or not said.get("workingHoursEnabled"):
        return None
    days: dict[str, list[tuple[int, int]]] = {name: [] for name in _WEEKDAYS}
    try:
        for period in said["availableTimes"]:
            first, last = int(period["periodStart"]), int(period["periodEnd"])
            if not 0 <= first < last <= 24 * 60:
                return None
            days[period["dayOfWeek"]].append((first, last))
    except (KeyError, TypeError, ValueError):
        return None
    return Hours(tuple(tuple(sorted(days[name])) for name in _WEEKDAYS))
