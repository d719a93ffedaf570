"""Microsoft 365 keeps the promises of every calendar and every mailer."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors._graph_calendar import GraphCalendar
from connectors._graph_mail import GraphMailer
from connectors._graph_session import Graph
from daemon.core.domain import Email, Interval, Reply, Uid
from tests.connectors.contract import PEOPLE, CalendarContract, MailerContract, Seen
from tests.doubles.microsoft import Double, microsoft
from tests.doubles.microsoft_books import UID_NAME, Event

_RESPONSES = {
    Reply.ACCEPTED: "accepted",
    Reply.DECLINED: "declined",
    Reply.TENTATIVE: "tentativelyAccepted",
}


@dataclass
class World:
    """The double's tenant, with the hands of its people."""

    double: Double
    folder: Path
    knows = True

    def __post_init__(self) -> None:
        self.graphs: list[Graph] = []
        for person in (*PEOPLE, "careloop@acme.example"):
            self.double.books.mailbox(getattr(person, "email", str(person)))
        self.calendar = GraphCalendar(self._graph())
        self.mailer = GraphMailer(self._graph())

    def _graph(self) -> Graph:
        settings = self.double.settings(self.folder / "secret")
        self.graphs.append(Graph(settings, self.folder, sleep=lambda _: None))
        return self.graphs[-1]

    def add(self, person: Email, when: Interval, summary: str = "Dentist") -> None:
        box = self.double.books.mailbox(person)
        name = f"own-{len(box.events)}"
        box.events[name] = Event(name, person, when.start, when.end, summary)

    def move(self, person: Email, uid: Uid, to: Interval) -> None:
        event = self.double.books.event_of(uid)
        assert event is not None
        assert event.owner == person
        event.start, event.end, event.version = to.start, to.end, event.version + 1

    def delete(self, person: Email, uid: Uid) -> None:
        event = self.double.books.event_of(uid)
        assert event is not None
        del self.double.books.mailbox(person).events[event.id]

    def answer(self, person: Email, uid: Uid, reply: Reply) -> None:
        event = self.double.books.event_of(uid)
        assert event is not None
        event.attendees[person]["status"] = {"response": _RESPONSES[reply]}

    def sees(self, person: Email) -> list[Seen]:
        return [
            Seen(
                uid=event.marks.get(UID_NAME, event.id),
                start=event.start,
                end=event.end,
                summary=event.subject,
                organizer=event.owner,
                attendees=frozenset({event.owner, *event.attendees}),
            )
            for event in self.double.books.events_of(person)
        ]

    def spoil(self, person: Email) -> None:
        self.double.books.mailbox(person).refuses = "ErrorAccessDenied"

    def inbox(self, person: Email) -> list[bytes]:
        return self.double.books.mailbox(person).inbox

    def refuse(self, person: Email) -> None:
        self.double.books.mailbox(person).deaf = True


class CalendarWorld(World):
    """The world as the calendar contract wants it."""

    def reopen(self) -> GraphCalendar:
        return GraphCalendar(self._graph())


class MailWorld(World):
    """The world as the mailer contract wants it."""

    def reopen(self) -> GraphMailer:
        return GraphMailer(self._graph())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    with microsoft(tmp_path_factory.mktemp("tls")) as double:
        yield double


@pytest.fixture
def double(served: Double) -> Double:
    return served.renewed()


class TestCalendar(CalendarContract):
    @pytest.fixture
    def world(self, double: Double, tmp_path: Path) -> Iterator[CalendarWorld]:
        world = CalendarWorld(double, tmp_path)
        yield world
        for graph in world.graphs:
            graph.close()


class TestMailer(MailerContract):
    @pytest.fixture
    def world(self, double: Double, tmp_path: Path) -> Iterator[MailWorld]:
        world = MailWorld(double, tmp_path)
        yield world
        for graph in world.graphs:
            graph.close()
