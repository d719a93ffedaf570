"""The play: the demo's clock, its turns, and the news of each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from flask import Flask

from daemon.cli.stage.people import act
from daemon.core.domain import Kind, Meeting, Person, State, Uid
from daemon.loop.turn import run_turn
from daemon.store import pairs, people
from daemon.wiring import App

HOURS = (3, 7, 13, 23)
"""When turns are taken, UTC: after eight in the morning in each zone, and when the day is over."""
FREE_DAY = (23,)
"""At weekends nobody writes and nobody meets."""
LONGEST = timedelta(days=66)
LINK = re.compile(r"https?://\S+/l/\S+")


@dataclass(slots=True)
class Clock:
    """A clock that stands where the play is."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened, in a line."""

    at: datetime
    what: str
    about: str


@dataclass(slots=True)
class Play:
    """Everything on the stage."""

    app: App
    clock: Clock
    flask: Flask
    dice: Random
    letters: list[EmailMessage] = field(default_factory=list)
    meetings: dict[Uid, Meeting] = field(default_factory=dict)
    persons: dict[str, Person] = field(default_factory=dict)
    finished: bool = False
    _read: set[str] = field(default_factory=set)
    _begun: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.clock.now

    @property
    def part(self) -> float:
        """How much of the cycle is over, 0 to 1: two talks for every pair."""
        held = [m for m in self.meetings.values() if m.state is State.HELD]
        talks = sum(min(2, sum(m.pair == pair for m in held)) for pair in {m.pair for m in held})
        return talks / (2 * len({m.pair for m in self.meetings.values()}) or 1)

    def days(self) -> Iterator[tuple[date, list[News]]]:
        """Play day by day until everybody had a first hour and a follow-up, with their
        summaries; what happened, day by day."""
        day = self.clock.now.date()
        while not self.finished and self.clock.now < self._begun + LONGEST:
            news: list[News] = []
            for hour in HOURS if day.weekday() < 5 else FREE_DAY:
                self.clock.now = max(self.clock.now, datetime.combine(day, time(hour, 5), UTC))
                news += self._turn()
            yield day, news
            self.finished = self.part >= 1
            day += timedelta(days=1)

    def _turn(self) -> list[News]:
        run_turn(self.app, self.clock.now)
        news = self._changed_meetings()
        for letter in self._new_letters():
            self.letters.append(letter)
            news.append(self._news(f"{letter['X-Careloop-Letter']} letter", _told(letter)))
            done = act(self.flask, letter, link_of(letter), self.dice)
            if done:
                news.append(self._news(self._first_name(letter), done))
        return news

    def _new_letters(self) -> list[EmailMessage]:
        box = self.app.config.at(self.app.config.mail.path)
        fresh = [one for one in sorted(box.glob("new/*")) if one.name not in self._read]
        self._read |= {one.name for one in fresh}
        return [_read(one) for one in fresh]

    def _changed_meetings(self) -> list[News]:
        with self.app.database.reading() as conn:
            histories = pairs.histories(conn)
            self.persons = {str(key): one for key, one in people.everybody(conn).items()}
        now = {m.uid: m for history in histories.values() for m in history.meetings}
        before, self.meetings = self.meetings, now
        return [
            self._news(what, self._line(meeting))
            for uid, meeting in now.items()
            if (what := _change(before.get(uid), meeting))
        ]

    def _line(self, meeting: Meeting) -> str:
        employee = self.persons[meeting.pair.employee]
        manager = self.persons[meeting.pair.manager]
        start = meeting.start.astimezone(ZoneInfo(meeting.zone))
        minutes = int((meeting.end - meeting.start).total_seconds() // 60)
        return f"{employee.name} with {manager.name}, {start:%a %d %b %H:%M} ({minutes} min)"

    def _first_name(self, letter: EmailMessage) -> str:
        person = self.persons.get(str(letter["To"].addresses[0].addr_spec))
        return person.name.split()[0] if person else "somebody"

    def _news(self, what: str, about: str) -> News:
        return News(self.clock.now, what, about)


def link_of(letter: EmailMessage) -> str:
    """The first link of ours in a letter's text."""
    body = letter.get_body(("plain",))
    found = LINK.search(body.get_content() if body else "")
    return found[0] if found else ""


def _read(file: Path) -> EmailMessage:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _told(letter: EmailMessage) -> str:
    return f"to {letter['To'].addresses[0].display_name}: {letter['Subject']}"


def _change(before: Meeting | None, now: Meeting) -> str | None:
    """What became of a meeting, in a word; None: nothing."""
    if before is None:
        return "booked first hour" if now.kind is Kind.FIRST else f"booked {now.kind.value}"
    if now.state is not before.state:
        return now.state.value
    return "moved" if now.start != before.start else None
