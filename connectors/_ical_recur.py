"""The occurrences of one event with its exceptions: plain rules by wall clock, the rest by library.

The library (icalendar, recurring-ical-events) knows every corner of RFC 5545 and is slow; plain
rules are nearly all that occurs. Both give the same answers (tests/connectors/test_corpus.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dateutil.rrule import rrulestr

from connectors._ical_library import library
from connectors._ical_lines import Component, Property, Unreadable
from connectors._ical_values import Frame, Moment, sequence, span, stamp
from daemon.core.domain import Interval

_RECURS = frozenset({"RRULE", "RDATE", "EXRULE"})
_MARGIN = timedelta(days=2)

Occurrence = tuple[Component, Interval]


class NotPlain(Exception):
    """The rule needs the library."""


def occurrences(group: list[Component], place: Frame, within: Interval) -> Iterator[Occurrence]:
    """Each occurrence that may touch `within`, with the event that describes it.

    `group` shares one uid, latest revisions only. Raises `Unreadable` for what is not understood.
    """
    masters = [each for each in group if "RECURRENCE-ID" not in each.properties]
    changed = [each for each in group if "RECURRENCE-ID" in each.properties]
    if not any(_RECURS & each.properties.keys() for each in group) and not _ranges(changed):
        yield from ((each, span(each, place)) for each in group)
        return
    for event in group:
        _refuse_what_nobody_means(event)
    for master in masters or [changed.pop(0)]:
        yield from _series(master, changed, place, within)


def _ranges(changed: list[Component]) -> bool:
    return any(
        said.parameter("RANGE") for each in changed for said in each.properties["RECURRENCE-ID"]
    )


def _refuse_what_nobody_means(event: Component) -> None:
    if said := event.first("EXRULE"):
        raise Unreadable(said.line, "EXRULE was withdrawn from iCalendar and is not understood")
    for rule in event.properties.get("RRULE", []):
        parts = _parts(rule)
        if parts.get("FREQ") not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}:
            raise Unreadable(rule.line, f"RRULE {rule.value[:60]!r} is not daily or rarer")
        if parts.keys() & {"RSCALE", "SKIP"}:
            raise Unreadable(rule.line, f"RRULE {rule.value[:60]!r} follows another calendar")


def _series(
    master: Component, changed: list[Component], place: Frame, within: Interval
) -> Iterator[Occurrence]:
    try:
        found = list(plain(master, changed, place, within))
    except NotPlain:
        found = list(library(master, changed, place, within))
    yield from found


def plain(
    master: Component, changed: list[Component], place: Frame, within: Interval
) -> Iterator[Occurrence]:
    """Count on the wall clock of DTSTART; raise `NotPlain` where that may not be the truth."""
    if _ranges(changed) or "RDATE" in master.properties or "RECURRENCE-ID" in master.properties:
        raise NotPlain
    if len(master.properties.get("RRULE", [])) != 1:
        raise NotPlain
    first, wall, length = _walls(master, place)
    excluded = {_wall(value, first) for value in _excluded(master, place)}
    replaced = {_wall(_replaced(each, place), first): each for each in changed}
    gone = excluded | replaced.keys()
    for start in _starts(master, first, wall, within.widened(_MARGIN), length):
        if start not in gone:
            when = Interval(_instant(start, first, place), _instant(start + length, first, place))
            yield master, when
    for instead, each in replaced.items():
        # Excluded by a later revision than its own: the change was taken back.
        if instead not in excluded or sequence(each) >= sequence(master):
            yield each, span(each, place)


def _walls(master: Component, place: Frame) -> tuple[Moment, datetime, timedelta]:
    """DTSTART as it is and on the wall clock, and the length on the wall clock."""
    whole = span(master, place)
    said, ends = master.first("DTSTART"), master.first("DTEND")
    assert said is not None
    first = place.moment(said)
    if isinstance(first, datetime) and first.tzinfo is UTC and place.floating != place.days:
        raise NotPlain
    if master.first("DURATION"):
        raise NotPlain
    wall = _wall(first, first)
    if ends is None:
        return first, wall, timedelta(0) if isinstance(first, datetime) else timedelta(1)
    last = place.moment(ends)
    if whole.start == whole.end or getattr(last, "tzinfo", None) != getattr(first, "tzinfo", None):
        raise NotPlain
    return first, wall, _wall(last, last) - wall


def _wall(value: Moment, like: Moment) -> datetime:
    """A value on the wall clock of `like`; days and times do not mix."""
    if isinstance(value, datetime) != isinstance(like, datetime):
        raise NotPlain
    if not isinstance(value, datetime) or not isinstance(like, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if value.tzinfo is not None and like.tzinfo is None:
        raise NotPlain
    moved = value.astimezone(like.tzinfo) if value.tzinfo and like.tzinfo else value
    return moved.replace(tzinfo=None)


def _instant(wall: datetime, like: Moment, place: Frame) -> datetime:
    if not isinstance(like, datetime):
        return place.instant(wall.date())
    return place.instant(wall.replace(tzinfo=like.tzinfo))


def _excluded(master: Component, place: Frame) -> Iterator[Moment]:
    for said in master.properties.get("EXDATE", []):
        values = (each for each in said.value.split(",") if each.strip())
        yield from (place.moment(said._replace(value=each)) for each in values)


def _replaced(event: Component, place: Frame) -> Moment:
    return place.moment(event.properties["RECURRENCE-ID"][0])


def _starts(
    master: Component, first: Moment, wall: datetime, within: Interval, length: timedelta
) -> list[datetime]:
    (rule,) = master.properties["RRULE"]
    parts = _parts(rule)
    if {"COUNT", "UNTIL"} <= parts.keys():
        raise NotPlain
    if "UNTIL" in parts:
        until = stamp(rule, parts["UNTIL"])
        if getattr(until, "tzinfo", None) is None and getattr(first, "tzinfo", None) is not None:
            raise NotPlain
        parts["UNTIL"] = _wall(until, first).strftime("%Y%m%dT%H%M%S")
    return _counted(rule, parts, wall, within, length)


def _counted(
    rule: Property, parts: dict[str, str], wall: datetime, within: Interval, length: timedelta
) -> list[datetime]:
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    early = within.start.replace(tzinfo=None) - length
    try:
        counted = rrulestr(text, dtstart=wall)
        if next(iter(counted), None) != wall:
            raise NotPlain
        return list(counted.between(early, within.end.replace(tzinfo=None), inc=True))
    except (ValueError, TypeError, OverflowError) as error:
        raise Unreadable(rule.line, f"RRULE {rule.value[:60]!r}: {error}") from None


def _parts(rule: Property) -> dict[str, str]:
    """The parts of a rule by name. Raises `Unreadable` where one is not `NAME=value`."""
    parts: dict[str, str] = {}
    for part in rule.value.strip().strip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or name.strip().upper() in parts:
            raise Unreadable(rule.line, f"RRULE {rule.value[:60]!r} is not a rule")
        parts[name.strip().upper()] = value.strip().upper()
    return parts
