"""The values of iCalendar properties: days, times, durations, periods, addresses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from urllib.parse import unquote

from connectors._ical_lines import Component, Property, Unreadable
from connectors._zones import SpeltOut, Zones, utc
from daemon.core.domain import Email, Interval, Reply, email

_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
_DURATION = re.compile(
    r"([+-]?)P(?=.)(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=.)(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?"
)
Moment = date | datetime
"""A whole day (`date`), a floating time (naive) or an instant (aware, UTC or in its zone)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a calendar's times are read against: its zones, and where unzoned ones are at home."""

    zones: Zones
    floating: tzinfo
    """Of times without a zone: X-WR-TIMEZONE, else the owner's."""
    days: tzinfo
    """Of whole days: the owner's."""

    def moment(self, said: Property) -> Moment:
        """The day or time a property states. Raises `Unreadable`, also for an unknown zone."""
        value = stamp(said, said.value)
        tzid = said.parameter("TZID")
        if not isinstance(value, datetime) or value.tzinfo is not None or not tzid:
            return value
        zone = self.zones.named(tzid)
        if zone is None:
            raise Unreadable(said.line, f"nobody can tell which time zone {tzid[:60]!r} is")
        if isinstance(zone, SpeltOut):
            zone.vouch(value, said.line)
        return value.replace(tzinfo=zone)

    def instant(self, value: Moment, line: int = 1) -> datetime:
        """A day, a floating time or an instant as UTC."""
        try:
            if not isinstance(value, datetime):
                return utc(datetime(value.year, value.month, value.day), self.days)  # noqa: DTZ001
            return value.astimezone(UTC) if value.tzinfo else utc(value, self.floating)
        except OverflowError:
            raise Unreadable(line, f"{value} lies beyond the calendar") from None


def frame(calendar: Component, home: tzinfo) -> Frame:
    """How to read the times of one VCALENDAR that belongs to somebody at `home`."""
    zones = Zones(each for each in calendar.children if each.name == "VTIMEZONE")
    stated = calendar.text("X-WR-TIMEZONE")
    return Frame(zones, (zones.named(stated) if stated else None) or home, home)


def stamp(said: Property, text: str) -> Moment:
    """A value as a day, a naive time or a UTC time, whatever its TZID. Raises `Unreadable`."""
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        raise Unreadable(said.line, f"{said.name} {text[:40]!r} is not a date or time")
    year, month, day, hour, minute, second, zulu = found.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day))
        clock = int(hour), int(minute), min(int(second), 59)
        zone = UTC if zulu else None
        return datetime(int(year), int(month), int(day), *clock, tzinfo=zone)
    except ValueError as error:
        raise Unreadable(said.line, f"{said.name} {text[:40]!r}: {error}") from None


def span(component: Component, frame: Frame) -> Interval:
    """From DTSTART to DTEND, or as long as DURATION, a day, or nothing (RFC 5545 section 3.6.1).

    Raises `Unreadable`; an end before the start is one.
    """
    said = component.first("DTSTART")
    if said is None:
        raise Unreadable(component.line, f"{component.name} has no DTSTART")
    first = frame.moment(said)
    start = frame.instant(first, said.line)
    end = max(_ends(component, first, frame), default=start)
    if end < start:
        raise Unreadable(said.line, "it ends before it starts")
    return Interval(start, end)


def _ends(component: Component, first: Moment, frame: Frame) -> Iterator[datetime]:
    """Where it ends by DTEND and by DURATION; a whole day without either, or of no length, ends
    with the day."""
    whole = not isinstance(first, datetime)
    if said := component.first("DTEND"):
        last = frame.moment(said)
        if isinstance(last, datetime) == whole:
            raise Unreadable(said.line, "DTSTART and DTEND are not both days or both times")
        yield frame.instant(_after(first, timedelta(1), said) if last == first and whole else last)
    if said := component.first("DURATION"):
        days, exact = duration(said)
        yield frame.instant(_after(first, days, said), said.line) + exact
    elif whole and not component.first("DTEND"):
        yield frame.instant(first + timedelta(1))


def _after(first: Moment, days: timedelta, said: Property) -> Moment:
    try:
        return first + days
    except OverflowError:
        raise Unreadable(said.line, f"{said.name} reaches beyond the calendar") from None


def duration(said: Property, text: str = "") -> tuple[timedelta, timedelta]:
    """A duration as nominal days and exact time (RFC 5545 section 3.3.6)."""
    text = text or said.value
    found = _DURATION.fullmatch(text.strip().upper())
    if found is None:
        raise Unreadable(said.line, f"{said.name} {text[:40]!r} is not a duration")
    sign, *figures = found.groups()
    weeks, days, hours, minutes, seconds = (int(figure or 0) for figure in figures)
    factor = -1 if sign == "-" else 1
    exact = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return factor * timedelta(weeks=weeks, days=days), factor * exact


def period(said: Property, text: str) -> Interval:
    """A period in UTC: two instants, or one and a duration (RFC 5545 section 3.3.9)."""
    first, _, last = text.partition("/")
    start = stamp(said, first)
    if not isinstance(start, datetime) or start.tzinfo is None:
        raise Unreadable(said.line, f"{said.name} {text[:40]!r} is not in UTC")
    end = start + sum(duration(said, last), timedelta(0)) if "P" in last else stamp(said, last)
    if not isinstance(end, datetime) or end.tzinfo is None or end < start:
        raise Unreadable(said.line, f"{said.name} {text[:40]!r} has no end in UTC after its start")
    return Interval(start, end)


def sequence(component: Component) -> int:
    """The revision of an event; none, or one that is no number, is the first."""
    text = component.text("SEQUENCE")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def address(said: Property) -> Email:
    """The mail address of an attendee or organizer (the EMAIL parameter where it is no URI)."""
    value = said.value.strip()
    if value.lower().startswith("mailto:"):
        return email(unquote(value[7:]))
    return email(said.parameter("EMAIL") or value)


def replies(component: Component) -> dict[Email, Reply]:
    """What each attendee answered (PARTSTAT, RFC 5545 section 3.2.12)."""
    said = component.properties.get("ATTENDEE", [])
    return {address(each): _reply(each.parameter("PARTSTAT")) for each in said}


def _reply(text: str) -> Reply:
    try:
        return Reply(text.upper())
    except ValueError:
        return Reply.NEEDS_ACTION
