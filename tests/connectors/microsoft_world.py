"""The double's tenant with the hands of its people: what the Microsoft tests act with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors._graph_calendar import GraphCalendar
from connectors._graph_mail import GraphMailer
from connectors._graph_session import Graph
from connectors._http import Http, Limits
from connectors._limits import Limiter
from daemon.core.domain import Email, Interval, Reply, Uid
from tests.connectors.contract import PEOPLE, Seen
from tests.doubles.microsoft import Double
from tests.doubles.microsoft_books import UID_NAME, Event

SENDER = Email("careloop@acme.example")

_RESPONSES = {
    Reply.ACCEPTED: "accepted",
    Reply.DECLINED: "declined",
    Reply.TENTATIVE: "tentativelyAccepted",
}


@dataclass
class World:
    """The tenant, a calendar and a mailer over it, and what people do there."""

    double: Double
    folder: Path
    knows = True

    def __post_init__(self) -> None:
        self.graphs: list[Graph] = []
        self.slept: list[float] = []
        self._settle_in()

    def renew(self) -> None:
        """Begin anew: an empty tenant, a new process."""
        self.close()
        self.double.renewed()
        self._settle_in()

    def _settle_in(self) -> None:
        for address in (*(person.email for person in PEOPLE), SENDER):
            self.double.books.mailbox(address)
        self.slept.clear()
        graph = self.graph()
        self.calendar = GraphCalendar(graph)
        self.mailer = GraphMailer(graph)

    def graph(self, **settings: Any) -> Graph:
        """A connection of a new process; waits are not waited for."""
        chosen = self.double.settings(self.folder / "secret", **settings)
        quick = Http(
            limits=Limits(attempts=2, floor=0.001, call=5),
            limiter=Limiter(chosen.in_flight),
            hosts=chosen.hosts(),
            ca_file=self.double.ca_file,
        )
        self.graphs.append(Graph(chosen, self.folder, http=quick, sleep=self.slept.append))
        return self.graphs[-1]

    def close(self) -> None:
        """Let every connection go."""
        while self.graphs:
            self.graphs.pop().close()

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
