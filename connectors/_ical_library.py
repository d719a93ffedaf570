"""One series through icalendar and recurring-ical-events, for rules that are not plain."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from connectors._ical_lines import Component, Property, Unreadable
from connectors._ical_values import Frame, span
from connectors._zones import SpeltOut
from daemon.core.domain import Interval

_TIMES = ("SEQUENCE", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_MARGIN = timedelta(days=2)


def library(
    master: Component, changed: list[Component], place: Frame, within: Interval
) -> Iterator[tuple[Component, Interval]]:
    """Each occurrence that may touch `within`, with the event that describes it.

    Raises `Unreadable` with the line of the master whatever the libraries stumble over.
    """
    import icalendar  # heavy, and most files never need them
    import recurring_ical_events

    events = [master, *changed]
    for event in events:
        _refuse_spent_zones(event, place, span(event, place), within)
    try:
        calendar = icalendar.Calendar.from_ical(_text(events, place))
        _refuse_errors(calendar)
        wide = within.widened(_MARGIN)
        for found in recurring_ical_events.of(calendar).between(wide.start, wide.end):
            when = Interval(place.instant(found["DTSTART"].dt), place.instant(found["DTEND"].dt))
            yield events[int(found["X-PLACE"])], when
    except (MemoryError, Unreadable):
        raise
    except Exception as error:  # noqa: BLE001 - what a library cannot read, nobody may guess
        why = f"its recurrence is not understood: {str(error)[:200]}"
        raise Unreadable(master.line, why) from None


def _refuse_spent_zones(event: Component, place: Frame, when: Interval, within: Interval) -> None:
    """A zone spelt out for some years only says nothing of later occurrences."""
    for said in _said(event):
        zone = place.zones.named(said.parameter("TZID")) if said.parameters else None
        if isinstance(zone, SpeltOut):
            zone.vouch(max(when.end, within.end).replace(tzinfo=None), said.line)


def _refuse_errors(calendar: "icalendar.Calendar") -> None:  # type: ignore[name-defined]  # noqa: F821
    for component in calendar.walk():
        for name, why in component.errors:
            raise ValueError(f"{name}: {why}")


def _text(events: list[Component], place: Frame) -> str:
    """The series alone as a calendar, its zones by their IANA names or spelt out."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-"]
    start = events[0].text("DTSTART")
    if (
        start.endswith("Z")
        and isinstance(place.floating, ZoneInfo)
        and place.floating != place.days
    ):
        lines.append(f"X-WR-TIMEZONE:{place.floating.key}")
    spelt: dict[str, list[str]] = {}
    body: list[str] = []
    for number, event in enumerate(events):
        body += ["BEGIN:VEVENT", "UID:series", f"X-PLACE:{number}", "DTSTAMP:20000101T000000Z"]
        body += (_line(said, place, spelt) for said in _said(event))
        body.append("END:VEVENT")
    for name, definition in spelt.items():
        lines += (f"TZID:{name}" if line.startswith("TZID:") else line for line in definition)
    return "\r\n".join([*lines, *body, "END:VCALENDAR", ""])


def _said(event: Component) -> Iterator[Property]:
    for name in _TIMES:
        yield from event.properties.get(name, [])


def _line(said: Property, place: Frame, spelt: dict[str, list[str]]) -> str:
    parameters = [f"{name}={said.parameter(name)}" for name in ("VALUE", "RANGE")]
    kept = [each for each in parameters if not each.endswith("=")]
    if tzid := said.parameter("TZID"):
        kept.append(f"TZID={_name(tzid, said, place, spelt)}")
    return ";".join([said.name, *kept]) + ":" + said.value.strip()


def _name(tzid: str, said: Property, place: Frame, spelt: dict[str, list[str]]) -> str:
    zone = place.zones.named(tzid)
    if isinstance(zone, ZoneInfo):
        return zone.key
    if not isinstance(zone, SpeltOut):
        raise Unreadable(said.line, f"nobody can tell which time zone {tzid[:60]!r} is")
    definition = list(_definition(place.zones.definition(tzid)))
    # The library keeps zones by name for as long as it lives, so a name has to mean one thing.
    name = "spelt-out-" + hashlib.blake2b("\n".join(definition).encode()).hexdigest()[:32]
    spelt[name] = definition
    return name


def _definition(component: Component) -> Iterator[str]:
    yield from ("BEGIN:VTIMEZONE", "TZID:")
    for observance in component.children:
        yield f"BEGIN:{observance.name}"
        for said in (each for many in observance.properties.values() for each in many):
            yield f"{said.name}:{said.value}"
        yield f"END:{observance.name}"
    yield "END:VTIMEZONE"
