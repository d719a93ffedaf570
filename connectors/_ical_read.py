"""The events of an iCalendar object as they stand: what `look` and incoming answers need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from connectors._ical_lines import Component, Property, Unreadable, calendars, components
from connectors._ical_values import Frame, address, frame, period, replies, sequence, span
from daemon.core.domain import Email, Interval, Reply


@dataclass(frozen=True, slots=True)
class Event:
    """One VEVENT. A recurrence is told, never expanded here."""

    uid: str
    line: int
    when: Interval | None
    """None where the object states no time (allowed in an iTIP REPLY or CANCEL)."""
    sequence: int = 0
    cancelled: bool = False
    organizer: Email | None = None
    replies: Mapping[Email, Reply] = field(default_factory=dict)
    """Every attendee and their answer."""
    stamp: datetime | None = None
    modified: datetime | None = None
    recurs: bool = False
    comment: str = ""
    written: Interval | None = None
    """The time careloop wrote: where it differs from `when`, a person moved the event since."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An iCalendar object: what it is for (METHOD, empty at rest) and its events."""

    method: str
    events: tuple[Event, ...]


def read(content: bytes, home: tzinfo = UTC, *, uid: str = "") -> Parcel:
    """Read the events, or only those of `uid`. Floating times are in `home`.

    Raises `Unreadable` with the line where something is not understood for sure.
    """
    root = components(content)
    events = [
        _event(each, frame(calendar, home))
        for calendar in calendars(root)
        for each in calendar.children
        if each.name == "VEVENT" and uid in {"", each.text("UID")}
    ]
    return Parcel(calendars(root)[0].text("METHOD").upper(), tuple(events))


def _event(component: Component, place: Frame) -> Event:
    organizer = component.first("ORGANIZER")
    return Event(
        uid=component.text("UID"),
        line=component.line,
        when=span(component, place) if component.first("DTSTART") else None,
        sequence=sequence(component),
        cancelled=component.text("STATUS").upper() == "CANCELLED",
        organizer=address(organizer) if organizer else None,
        replies=replies(component),
        stamp=_stamp(component.first("DTSTAMP"), place),
        modified=_stamp(component.first("LAST-MODIFIED"), place),
        recurs=bool(component.properties.keys() & {"RRULE", "RDATE"}),
        comment=component.text("COMMENT"),
        written=_written(component.first("X-CARELOOP-TIME")),
    )


def _written(said: Property | None) -> Interval | None:
    try:
        return period(said, said.value) if said else None
    except Unreadable:
        return None


def _stamp(said: Property | None, place: Frame) -> datetime | None:
    """A stamp that is nice to know; one that cannot be read is not known."""
    try:
        return place.instant(place.moment(said)) if said else None
    except Unreadable:
        return None
