"""Words with defaults: a test names only what it is about. `at` reads a wall clock."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from daemon.core.domain import (
    OFFICE_HOURS,
    Cadence,
    Due,
    Email,
    History,
    Hours,
    Interval,
    Kind,
    Leave,
    Meeting,
    Pair,
    Person,
    Reply,
    State,
    Window,
    email,
    uid_of,
)

MONDAY = date(2026, 3, 2)
"""The day around which the defaults lie: a Monday without clock changes near it."""

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
"""The instant that goes with it."""


def at(text: str, zone: str = "UTC") -> datetime:
    """Read `2026-03-02 09:30` on the wall clock of a zone, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def an_interval(start: str, end: str, zone: str = "UTC") -> Interval:
    """A stretch between two wall clock times; the end may be a bare `10:30` of the same day."""
    last = end if " " in end else f"{start.split(' ', maxsplit=1)[0]} {end}"
    return Interval(at(start, zone), at(last, zone))


def some_hours(*ranges: tuple[str, str], days: Iterable[int] = range(5)) -> Hours:
    """The same ranges (`("09:00", "17:00")`) on the given weekdays, Monday is 0."""

    def minute(text: str) -> int:
        hours, minutes = text.split(":")
        return int(hours) * 60 + int(minutes)

    worked = frozenset(days)
    day = tuple((minute(first), minute(last)) for first, last in ranges)
    return Hours(tuple(day if weekday in worked else () for weekday in range(7)))


ALWAYS = some_hours(("00:00", "24:00"), days=range(7))
"""Somebody who works day and night."""


def a_person(
    address: str = "eva@acme.example",
    *,
    manager: str | None = None,
    zone: str = "UTC",
    hours: Hours = OFFICE_HOURS,
    leave: Iterable[tuple[date, date]] = (),
    **others: Any,
) -> Person:
    """Somebody on the roster; the name follows from the address."""
    return Person(
        email=email(address),
        name=others.pop("name", address.split("@", maxsplit=1)[0].title()),
        manager=None if manager is None else email(manager),
        zone=ZoneInfo(zone),
        hours=hours,
        leave=tuple(Leave(first, last) for first, last in leave),
        **others,
    )


def a_roster(*people: Person) -> dict[Email, Person]:
    """People by their address."""
    return {person.email: person for person in people}


def a_pair(employee: str = "eva@acme.example", manager: str = "max@acme.example") -> Pair:
    """Eva and her manager Max, if nobody else is named."""
    return Pair(email(employee), email(manager))


def a_cadence(**figures: Any) -> Cadence:
    """The default figures, with some changed."""
    return Cadence(**figures)


def a_window(
    earliest: date = MONDAY,
    latest: date | None = None,
    preferred: date | None = None,
    late_until: date | None = None,
) -> Window:
    """Two weeks from `earliest`, best in its middle, and ten late days."""
    last = latest or earliest + timedelta(days=14)
    return Window(
        earliest=earliest,
        latest=last,
        preferred=preferred or earliest + (last - earliest) // 2,
        late_until=late_until or last + timedelta(days=10),
    )


def a_due(pair: Pair | None = None, **fields: Any) -> Due:
    """A follow-up of twenty minutes within `a_window()`."""
    defaults: dict[str, Any] = {
        "pair": pair or a_pair(),
        "kind": Kind.FOLLOW_UP,
        "number": 2,
        "generation": 1,
        "minutes": 20,
        "window": a_window(),
    }
    return Due(**defaults | fields)


def a_meeting(
    pair: Pair | None = None,
    start: datetime | str = "2026-03-09 10:00",
    minutes: int | None = None,
    **fields: Any,
) -> Meeting:
    """A booked follow-up of twenty minutes (a first one of sixty); `start` may be text, read in
    `zone`. The uid follows from pair, number and generation."""
    pair = pair or a_pair()
    kind = fields.pop("kind", Kind.FOLLOW_UP)
    number = fields.pop("number", 1 if kind is Kind.FIRST else 2)
    generation = fields.pop("generation", 1)
    zone = fields.pop("zone", "UTC")
    begins = at(start, zone) if isinstance(start, str) else start
    lasts = minutes or (60 if kind is Kind.FIRST else 20)
    return Meeting(
        uid=fields.pop("uid", uid_of(pair, number, generation)),
        pair=pair,
        number=number,
        generation=generation,
        kind=kind,
        start=begins,
        end=begins + timedelta(minutes=lasts),
        zone=zone,
        **fields,
    )


def held(meeting: Meeting, on: date | None = None, **fields: Any) -> Meeting:
    """The same meeting, after it took place."""
    return replace(meeting, state=State.HELD, held_on=on or meeting.start.date(), **fields)


def a_history(
    pair: Pair | None = None, *meetings: Meeting, since: date = MONDAY, **fields: Any
) -> History:
    """What a pair has been through: these meetings, oldest first."""
    return History(pair=pair or a_pair(), since=since, meetings=meetings, **fields)


def replies(**answers: str) -> Mapping[Email, Reply]:
    """`replies(eva="ACCEPTED")`: answers by the name before `@acme.example`."""
    return {email(f"{name}@acme.example"): Reply(said) for name, said in answers.items()}
