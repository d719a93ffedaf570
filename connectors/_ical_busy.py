"""When a calendar file makes its owner busy: events, recurrences and published busy time.

What is not understood for sure becomes a `Fault` with its line, never free time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from connectors._ical_lines import Component, Property, Unreadable, calendars, components
from connectors._ical_recur import occurrences
from connectors._ical_values import Frame, address, frame, period, sequence, stamp
from daemon.core.domain import Email, Interval, Reply
from daemon.core.intervals import merge

EVER = Interval(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_NOT_BUSY = frozenset({"CANCEL", "REPLY", "REFRESH", "COUNTER", "DECLINECOUNTER"})
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not understood: its line, why, and the time it may touch."""

    line: int
    why: str
    span: Interval = EVER


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says of a stretch of time: busy intervals, merged and sorted, and its faults."""

    busy: tuple[Interval, ...] = ()
    faults: tuple[Fault, ...] = ()


def busy(content: bytes, owner: Email, home: tzinfo, within: Interval) -> Reading:
    """Read when `owner`, at home in zone `home`, is busy within a stretch of time.

    Left out: our own events, cancelled and transparent ones, those the owner declined, and objects
    that are messages rather than events (METHOD CANCEL, REPLY and their like). Never raises for
    what the file says; hostile files cost time and memory, so call it in a guarded child.
    """
    taken: list[Interval] = []
    faults: list[Fault] = []
    try:
        root = components(content)
    except Unreadable as error:
        return Reading(faults=(Fault(error.line, error.why),))
    for calendar in calendars(root):
        place = frame(calendar, home)
        for group in _groups(calendar):
            try:
                taken += _taken(group, place, owner, within)
            except Unreadable as error:
                faults.append(Fault(error.line, error.why, _hull(group)))
    return Reading(tuple(merge(_clipped(taken, within))), tuple(faults))


def _groups(calendar: Component) -> Iterable[list[Component]]:
    """What belongs together: the events of one uid, each published busy time by itself."""
    groups: dict[object, list[Component]] = {}
    message = calendar.text("METHOD").upper() in _NOT_BUSY
    for place, child in enumerate(calendar.children):
        if child.name == "VFREEBUSY":
            groups[place] = [child]
        elif child.name == "VEVENT" and not message and not ours(child.text("UID")):
            groups.setdefault(child.text("UID") or place, []).append(child)
    return groups.values()


def ours(uid: str) -> bool:
    """Tell whether an event is one of careloop's."""
    return uid.endswith("@careloop")


def _taken(
    group: list[Component], place: Frame, owner: Email, within: Interval
) -> Iterator[Interval]:
    if group[0].name == "VFREEBUSY":
        yield from _published(group[0])
        return
    for event, when in occurrences(_newest(group), place, within):
        if when.overlaps(within) and _takes_time(event, owner):
            yield when


def _newest(group: list[Component]) -> list[Component]:
    """Of each occurrence the latest revisions (SEQUENCE); twins of equal revision all count."""
    if len(group) == 1:
        return group
    latest: dict[str, int] = {}
    for event in group:
        key = event.text("RECURRENCE-ID")
        latest[key] = max(latest.get(key, 0), sequence(event))
    return [each for each in group if sequence(each) == latest[each.text("RECURRENCE-ID")]]


def _takes_time(event: Component, owner: Email) -> bool:
    if event.text("STATUS").upper() == "CANCELLED" or event.text("TRANSP").upper() == "TRANSPARENT":
        return False
    return not any(
        "DECLINED" in said.parameters.upper()
        and address(said) == owner
        and said.parameter("PARTSTAT").upper() == Reply.DECLINED
        for said in event.properties.get("ATTENDEE", ())
    )


def _published(component: Component) -> Iterator[Interval]:
    """The periods of a VFREEBUSY that are not free (RFC 5545 section 3.6.4)."""
    for said in component.properties.get("FREEBUSY", []):
        if said.parameter("FBTYPE").upper() != "FREE":
            yield from (period(said, text) for text in said.value.split(","))


def _clipped(taken: Iterable[Interval], within: Interval) -> Iterator[Interval]:
    for each in taken:
        if each.overlaps(within) and each.start < each.end:
            yield Interval(max(each.start, within.start), min(each.end, within.end))


# --- where a fault may lie ------------------------------------------------------------------


def _hull(group: list[Component]) -> Interval:
    """The time a broken event may touch, as far as its parts tell for sure; else ever."""
    hulls = [_hull_of(event) for event in group]
    return Interval(min(each.start for each in hulls), max(each.end for each in hulls))


def _hull_of(event: Component) -> Interval:
    if event.properties.keys() & {"RDATE", "RECURRENCE-ID", "FREEBUSY", "DURATION"}:
        return EVER
    start, end = _rough(event.first("DTSTART")), _rough(event.first("DTEND"))
    last = _last(event, start, end)
    known = [each for each in (start, end) if each]
    first = min(known) - _DAY if start and len(known) > ("DTEND" in event.properties) else None
    return Interval(first or EVER.start, last or EVER.end)


def _last(event: Component, start: datetime | None, end: datetime | None) -> datetime | None:
    """The latest instant it may touch: only where every part that says so can be read."""
    if start is None or ("DTEND" in event.properties and end is None):
        return None
    length = max((end or start) - start, timedelta(0))
    rules = event.properties.get("RRULE", [])
    untils = [_until(rule) for rule in rules]
    if None in untils:
        return None
    return max([start, end or start, *(each for each in untils if each)]) + length + 2 * _DAY


def _until(rule: Property) -> datetime | None:
    parts = [part[6:] for part in rule.value.upper().split(";") if part.startswith("UNTIL=")]
    return _rough(rule._replace(value=parts[0])) if parts else None


def _rough(said: Property | None) -> datetime | None:
    """A time give or take a day, whatever its zone; None where it cannot be read."""
    try:
        value = stamp(said, said.value) if said else None
    except Unreadable:
        return None
    if value is None or not _DAY.days < date.toordinal(value) < date.max.toordinal() - 5000:
        return None
    midnight = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else midnight
