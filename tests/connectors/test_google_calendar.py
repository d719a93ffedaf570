"""Google Calendar keeps the promises of every calendar, against a local Google."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors._google_calendar import GoogleCalendar
from daemon.core.domain import Email, Interval, Reply, Uid
from daemon.core.ports import Calendar
from tests.connectors.contract import CalendarContract, Seen
from tests.connectors.google_setting import a_workspace, a_workspace_on_loopback
from tests.doubles.google import GoogleDouble
from tests.doubles.google_books import Stored


@dataclass
class World:
    """The connector and the hands of the people on the other side."""

    double: GoogleDouble
    root: Path

    def __post_init__(self) -> None:
        self.calendar: Calendar = self.reopen()

    def reopen(self) -> Calendar:
        return GoogleCalendar(a_workspace(self.double, self.root))

    def add(self, person: Email, when: Interval, summary: str = "Dentist") -> None:
        self.double.calendars.add(person, when, summary)

    def move(self, person: Email, uid: Uid, to: Interval) -> None:
        self.double.calendars.move(person, uid, to)

    def delete(self, person: Email, uid: Uid) -> None:
        self.double.calendars.delete(person, uid)

    def answer(self, person: Email, uid: Uid, reply: Reply) -> None:
        self.double.calendars.answer(person, uid, reply)

    def sees(self, person: Email) -> list[Seen]:
        return [_seen(stored) for stored in self.double.calendars.standing(person)]

    def spoil(self, person: Email) -> None:
        self.double.books.accounts[person].suspended = True


def _seen(stored: Stored) -> Seen:
    body = stored.body
    return Seen(
        uid=f"{body['id']}@careloop",
        start=_read(body["start"]),
        end=_read(body["end"]),
        summary=body["summary"],
        organizer=stored.organizer,
        attendees=frozenset(guest["email"] for guest in body.get("attendees", ())),
        sequence=body["sequence"],
    )


def _read(said: dict[str, str]) -> datetime:
    return datetime.fromisoformat(said["dateTime"]).astimezone(UTC)


@pytest.fixture
def double() -> Iterator[GoogleDouble]:
    with a_workspace_on_loopback() as served:
        yield served


class TestGoogleCalendar(CalendarContract):
    @pytest.fixture
    def world(self, double: GoogleDouble, tmp_path: Path) -> World:
        return World(double, tmp_path)
