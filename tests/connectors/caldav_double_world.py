"""People with calendars on the scriptable server, and the connector over them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import icalendar

from connectors.caldav import Caldav
from daemon.config.caldav import Caldav as Section
from daemon.config.model import CalendarSection, Config, Organization
from daemon.core.domain import Email, Interval, Reply, Uid
from tests.connectors.contract import PEOPLE, Seen
from tests.doubles.caldav import Double


class DoubleWorld:
    """`PEOPLE` on a server that may have quirks; they act straight on its books."""

    def __init__(self, double: Double, root: Path, **settings: Any) -> None:
        self.double, self.root, self.settings = double, root, settings
        double.welcome(*(user_of(person.email) for person in PEOPLE))
        (root / "password").write_text("secret")
        (root / "password").chmod(0o600)
        lines = (f"{p.email} {user_of(p.email)} file:password\n" for p in PEOPLE)
        (root / "people.txt").write_text("".join(lines))
        self._opened: list[Caldav] = []
        self._number = 0
        self.calendar = self.reopen()

    def config(self, **more: Any) -> Config:
        said = {"url": self.double.url, "credentials": "people.txt", **self.settings, **more}
        return Config(
            root=self.root,
            organization=Organization(name="Acme"),
            calendar=CalendarSection(kind="caldav"),
            caldav=Section.model_validate(said),
        )

    def reopen(self, sleep: Callable[[float], None] = lambda _: None, **more: Any) -> Caldav:
        self._opened.append(Caldav(self.config(**more), sleep=sleep))
        return self._opened[-1]

    def close(self) -> None:
        for each in self._opened:
            each.close()

    def add(self, person: Email, when: Interval, summary: str = "Dentist") -> None:
        self._number += 1
        name = f"own-{self._number}"
        self.double.store(user_of(person), f"{name}.ics", an_event(name, when, summary))

    def move(self, person: Email, uid: Uid, to: Interval) -> None:
        self._rewrite(
            person,
            uid,
            (r"DTSTART[^\r\n]*", f"DTSTART:{stamp(to.start)}"),
            (r"DTEND[^\r\n]*", f"DTEND:{stamp(to.end)}"),
        )

    def delete(self, person: Email, uid: Uid) -> None:
        self.double.remove(user_of(person), self.place(person, uid))

    def answer(self, person: Email, uid: Uid, reply: Reply) -> None:
        """Answer in one's own copy; a server that schedules tells the organizer."""
        line = rf"ATTENDEE[^\r\n]*mailto:{re.escape(person)}"
        owners = (
            PEOPLE if self.double.quirks.schedules else [p for p in PEOPLE if p.email == person]
        )
        for owner in owners:
            if any(uid in text for text in self.double.texts(user_of(owner.email))):
                said = f"ATTENDEE;PARTSTAT={reply}:mailto:{person}"
                self._rewrite(owner.email, uid, (line, said))

    def _rewrite(self, person: Email, uid: Uid, *changes: tuple[str, str]) -> None:
        name = self.place(person, uid)
        text = self.double.books.items[user_of(person)][name].text
        text = re.sub(r"\r?\n[ \t]", "", text)
        for pattern, line in changes:
            text = re.sub(pattern, line, text, count=1)
        self.double.store(user_of(person), name, text)

    def place(self, person: Email, uid: Uid) -> str:
        items = self.double.books.items[user_of(person)].items()
        (found,) = [name for name, item in items if uid in re.sub(r"\r?\n[ \t]", "", item.text)]
        return found

    def sees(self, person: Email) -> list[Seen]:
        texts = self.double.texts(user_of(person))
        return [seen for text in texts for seen in _seen(text)]

    def spoil(self, person: Email) -> None:
        """The calendar is gone from the server."""
        del self.double.books.items[user_of(person)]


def user_of(who: Email) -> str:
    return who.partition("@")[0]


def _seen(text: str) -> list[Seen]:
    events = icalendar.Calendar.from_ical(text).events
    return [
        Seen(
            str(event["UID"]),
            event.DTSTART,
            event.DTEND,
            str(event.get("SUMMARY", "")),
            str(event.get("ORGANIZER", "")).removeprefix("mailto:"),
            frozenset(each.removeprefix("mailto:") for each in event.get("ATTENDEE", [])),
            int(event.get("SEQUENCE", 0)),
        )
        for event in events
        if event.get("STATUS") != "CANCELLED"
    ]


def an_event(uid: str, when: Interval, summary: str = "Dentist", *more: str) -> str:
    """The text of a calendar with one event."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20260101T000000Z",
        f"DTSTART:{stamp(when.start)}",
        f"DTEND:{stamp(when.end)}",
        f"SUMMARY:{summary}",
        *more,
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "".join(f"{line}\r\n" for line in lines)


def stamp(moment) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
