"""Working hours and zone as a server keeps them: VAVAILABILITY (RFC 7953) and VTIMEZONE."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from connectors._ical_lines import Component, Property, Unreadable, calendars, components
from connectors._ical_values import stamp
from connectors._zones import known
from daemon.core.domain import Hours

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LIMIT = 64 * 1024
"""Characters; such a text has about a thousand."""

Ranges = list[list[tuple[int, int]]]


@lru_cache(maxsize=4096)
def zone_in(text: str) -> ZoneInfo | None:
    """The zone a calendar-timezone property holds; None: none that everybody knows."""
    for component in _parts(text, "VTIMEZONE"):
        if zone := known(component.text("X-LIC-LOCATION")) or known(component.text("TZID")):
            return zone
    return None


@lru_cache(maxsize=4096)
def hours_in(text: str) -> Hours | None:
    """The weekly hours of a VAVAILABILITY; None: there are none, or they are more than a plain
    week of local times (a wrong guess is worse than none)."""
    week: Ranges = [[] for _ in _DAYS]
    found = [each for part in _parts(text, "VAVAILABILITY") for each in part.children]
    try:
        for available in found:
            if available.name == "AVAILABLE":
                _add(week, available)
    except (Unreadable, ValueError):
        return None
    return Hours(tuple(tuple(sorted(ranges)) for ranges in week)) if any(week) else None


def _parts(text: str, name: str) -> list[Component]:
    if not text or len(text) > _LIMIT:
        return []
    try:
        root = components(text.encode())
    except Unreadable:
        return []
    return [
        each for each in [*calendars(root), root] for each in each.children if each.name == name
    ]


def _add(week: Ranges, available: Component) -> None:
    first, last = _local(available.first("DTSTART")), _local(available.first("DTEND"))
    rule = available.text("RRULE").upper()
    parts = dict(part.split("=", 1) for part in rule.split(";") if "=" in part)
    plain = (
        parts.keys() <= {"FREQ", "BYDAY", "INTERVAL", "WKST"} and parts.get("INTERVAL", "1") == "1"
    )
    if parts.get("FREQ") not in {"WEEKLY", "DAILY"} or not plain:
        raise ValueError("more than a plain week")
    midnight = datetime.combine(first.date(), datetime.min.time())
    begin, end = first - midnight, last - midnight
    if not timedelta(0) <= begin < end <= timedelta(days=1):
        raise ValueError("not within a day")
    for day in _days(parts, first.date()):
        week[day].append((begin // timedelta(minutes=1), end // timedelta(minutes=1)))


def _local(said: Property | None) -> datetime:
    """A wall-clock time; an instant in UTC says nothing of the wall."""
    value = stamp(said, said.value) if said else None
    if not isinstance(value, datetime) or value.tzinfo is not None:
        raise ValueError("not a wall-clock time")
    return value


def _days(parts: dict[str, str], first: date) -> list[int]:
    if "BYDAY" in parts:
        return [_DAYS.index(name) for name in parts["BYDAY"].split(",")]
    return list(range(7)) if parts["FREQ"] == "DAILY" else [first.weekday()]
