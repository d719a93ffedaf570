"""Time zones as calendars name them: IANA, Windows, paths that end in one, or spelt out in the
file (VTIMEZONE, RFC 5545 section 3.6.5)."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from connectors._ical_lines import Component, Unreadable

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?")
_HORIZON = "21000101T000000"
_MOST_RULES, _MOST_ONSETS = 60, 1200
"""No real zone has more; these are read outside the guarded children too."""


class Zones:
    """The zones one file may name: those everybody knows, then its own definitions."""

    def __init__(self, definitions: Iterable[Component] = ()) -> None:
        self._definitions = {each.text("TZID"): each for each in definitions}
        self._found: dict[str, tzinfo | None] = {}

    def named(self, tzid: str) -> tzinfo | None:
        """The zone of that name; None when nobody can say for sure which one is meant."""
        if tzid not in self._found:
            self._found[tzid] = known(tzid) or self._defined(tzid)
        return self._found[tzid]

    def definition(self, tzid: str) -> Component:
        """How the file itself spells a zone out."""
        return self._definitions[tzid]

    def _defined(self, tzid: str) -> tzinfo | None:
        definition = self._definitions.get(tzid)
        if definition is None:
            return None
        place = known(definition.text("X-LIC-LOCATION"))
        return place or spelt_out(definition)


@lru_cache(maxsize=2048)
def known(name: str) -> ZoneInfo | None:
    """The zone an IANA name, a Windows name or a path ending in an IANA name means."""
    name = name.strip().strip('"')
    if found := _iana(name):
        return found
    if windows := _windows(name):
        return windows
    parts = name.split("/")
    tails = ("/".join(parts[-count:]) for count in (3, 2) if len(parts) > count)
    return next((zone for tail in tails if (zone := _iana(tail))), None)


def _iana(name: str) -> ZoneInfo | None:
    if not _KEY.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _windows(name: str) -> ZoneInfo | None:
    if "/" in name:
        return None
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # heavy, seldom needed

    iana = WINDOWS_TO_OLSON.get(name)
    return ZoneInfo(iana) if iana else None


class SpeltOut(tzinfo):
    """A zone from its observances: from each onset (wall clock) on, an offset holds."""

    def __init__(
        self,
        tzid: str,
        first: timedelta,
        onsets: list[tuple[datetime, timedelta]],
        spent: datetime | None,
    ) -> None:
        self._tzid = tzid
        self._spent = spent
        self._first = first
        self._walls = [wall for wall, _ in onsets]
        self._offsets = [offset for _, offset in onsets]

    def vouch(self, wall: datetime, line: int) -> None:
        """Raise `Unreadable` for a time later than the definition speaks of."""
        if self._spent and wall > self._spent:
            why = f"the file says nothing of time zone {self._tzid[:60]!r} after {self._spent.year}"
            raise Unreadable(line, why)

    def utcoffset(self, when: datetime | None, /) -> timedelta:
        """The offset at a wall-clock time; a time that a change skips takes the one before."""
        if when is None:
            return self._first
        place = bisect_right(self._walls, when.replace(tzinfo=None))
        return self._offsets[place - 1] if place else self._first

    def dst(self, _: datetime | None, /) -> timedelta:
        """Not told: the offset says it all."""
        return timedelta(0)

    def tzname(self, _: datetime | None, /) -> str:
        """The name in the file."""
        return self._tzid


def spelt_out(definition: Component) -> SpeltOut | None:
    """Make a zone of a VTIMEZONE; None when it says something we do not understand for sure."""
    try:
        kept = [each for each in definition.children if each.name in {"STANDARD", "DAYLIGHT"}]
        if sum(len(each.properties.get("RRULE", ())) for each in kept) > _MOST_RULES:
            return None
        onsets = sorted(onset for observance in kept for onset in _onsets(observance))
    except (ValueError, OverflowError, TypeError):
        return None
    if not onsets:
        return None
    # After a jump forward the skipped hour still counts with the offset before it.
    walls = [(wall + max(after - before, timedelta(0)), after) for wall, before, after in onsets]
    return SpeltOut(definition.text("TZID"), onsets[0][1], walls, _spent(onsets))


def _spent(onsets: list[tuple[datetime, timedelta, timedelta]]) -> datetime | None:
    """When a definition that changes its offset has nothing more to say: a year after the last
    change, unless a rule goes on and on."""
    last, before, after = onsets[-1]
    if last.year >= int(_HORIZON[:4]) - 1 or before == after or len(onsets) == 1:
        return None
    return last + timedelta(days=366)


def _onsets(observance: Component) -> list[tuple[datetime, timedelta, timedelta]]:
    """When an observance begins (wall clock before it), the offset before and the one after."""
    before, after = (_offset(observance.text(name)) for name in ("TZOFFSETFROM", "TZOFFSETTO"))
    start = _naive(observance.text("DTSTART"))
    walls = {start}
    for rule in observance.properties.get("RRULE", []):
        walls.update(_yearly(rule.value, start, before))
    for dates in observance.properties.get("RDATE", []):
        walls.update(_naive(value.split("/")[0]) for value in dates.value.split(","))
    return [(wall, before, after) for wall in walls]


def _yearly(rule: str, start: datetime, offset: timedelta) -> list[datetime]:
    """The onsets of a yearly rule; anything else is refused, so the work is bounded."""
    parts = dict(part.split("=", 1) for part in rule.upper().strip(" ;").split(";"))
    clock = "".join(parts.get(name, "") for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    if parts.get("FREQ") != "YEARLY" or "," in clock:
        raise ValueError(rule)
    until = parts.pop("UNTIL", _HORIZON)
    last = _naive(until)
    if until.endswith("Z"):
        last += offset
    last = min(last, _naive(_HORIZON))
    if "COUNT" not in parts:
        parts["UNTIL"] = last.strftime("%Y%m%dT%H%M%S")
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    onsets = list(islice(rrulestr(text, dtstart=start), _MOST_ONSETS))
    if len(onsets) == _MOST_ONSETS:
        raise ValueError(rule)
    return [onset for onset in onsets if onset <= last]


def _naive(text: str) -> datetime:
    text = text.strip().removesuffix("Z")
    return datetime.strptime(text if "T" in text else text + "T000000", "%Y%m%dT%H%M%S")  # noqa: DTZ007


def _offset(text: str) -> timedelta:
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    sign, hours, minutes, seconds = found.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    if size >= timedelta(hours=24):
        raise ValueError(text)
    return size if sign == "+" else -size


def utc(wall: datetime, zone: tzinfo) -> datetime:
    """A wall-clock time of a zone as UTC."""
    return wall.replace(tzinfo=zone).astimezone(UTC)
