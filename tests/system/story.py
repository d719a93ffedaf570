"""Live through the guide with one small company: real turns, real letters, the real pages."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from flask import Flask

from daemon.core.domain import Email, Kind, Meeting, Pair, email
from daemon.store import pairs
from daemon.web.app import create_app
from daemon.wiring import App
from tests.system.company import Company, found
from tests.system.pages import blank, form, named
from tests.system.playing import opened, turn
from tests.web.office import Browser, Clock

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
"""A Monday."""
EVA, MAX, HANA = "worker1@acme.example", "boss0@acme.example", "hana@acme.example"
ROLE_LINES = ("Build things that last", "Review")
MORE = '[people_team]\nmembers = ["hana@acme.example"]\ntraining_topics = ["Writing", "Data"]\n'
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Story:
    """A company, its service and its people, at one moment after another."""

    company: Company
    app: App
    flask: Flask
    clock: Clock
    employee: str = EVA

    @property
    def now(self) -> datetime:
        return self.clock.now

    @property
    def pair(self) -> Pair:
        return Pair(email(self.employee), email(self.company.people[self.employee].manager))

    def of(self, employee: str) -> "Story":
        """The same story, told of somebody else."""
        return replace(self, employee=employee)

    # --- time -------------------------------------------------------------------------------

    def go(self, moment: datetime) -> None:
        """Let time pass until then, and take a turn."""
        self.clock.now = max(moment, self.clock.now)
        turn(self.app, self.clock.now)
        self.app.clock = self.clock

    def days(self, count: int) -> None:
        """A turn a day."""
        for _ in range(count):
            self.go(self.now + DAY)

    def prepare_time(self) -> Meeting:
        """Go to four days before the next talk, or stay where that has passed."""
        meeting = self.coming()
        self.go(meeting.start - 4 * DAY)
        return self.coming()

    def meet(self) -> Meeting:
        """Go to the end of the next talk."""
        meeting = self.coming()
        self.go(meeting.start - 2 * HOUR)
        self.go(meeting.end)
        return meeting

    # --- what stands ------------------------------------------------------------------------

    def meetings(self) -> Sequence[Meeting]:
        with self.app.database.reading() as conn:
            history = pairs.history(conn, self.pair)
        assert history is not None
        return history.meetings

    def coming(self, kind: Kind | None = None) -> Meeting:
        ahead = [m for m in self.meetings() if m.state == "booked" and m.end > self.now]
        return min((m for m in ahead if kind in (None, m.kind)), key=lambda m: m.start)

    def letters(self, kind: str, to: str | None = None, uid: str | None = None) -> "list[Sent]":
        """The letters that went out, oldest first."""
        files = sorted(
            (self.company.root / "outbox" / "new").glob("*"), key=lambda f: f.stat().st_mtime_ns
        )
        sent = [Sent(BytesParser(policy=policy.default).parsebytes(f.read_bytes())) for f in files]
        return [
            s for s in sent if s.kind == kind and to in (None, s.to) and uid in (None, s.meeting)
        ]

    # --- what people do ---------------------------------------------------------------------

    def open(self, letter: "Sent") -> Browser:
        """Follow the link of a letter, as its reader."""
        return self.open_path(letter.link)

    def open_path(self, path: str) -> Browser:
        """A browser of one's own at some page."""
        browser = Browser(self.flask.test_client(), self)  # type: ignore[arg-type]
        return browser.open(path)

    def send(self, page: Browser, ending: str, **changes: str) -> Browser:
        """Send a form of the page as it stands, but for some changes."""
        action, fields = form(page.text, ending)
        return page.send(action, data={**fields, **changes})

    def prepare(self, share: Sequence[str] = (), **said: str) -> Browser:
        """The employee writes answers (by item) and shares some of them."""
        page = self.open(self.letters("prep", EVA)[-1])
        root = page.root
        for section in self.app.checklist("en").sections:
            mine = {f"{i.id}.text": said[i.id] for i in section.items if i.id in said}
            if mine:
                page.open(f"{root}/prepare/{section.id}")
                self.send(page, section.id, **mine)
        page.open(f"{root}/prepare/share")
        return self.send(page, "/share", **{f"share.{item}": "1" for item in share})

    def record(self, who: str = EVA) -> Browser:
        """Open the record of the latest talk."""
        kind = "record" if who == self.employee else "brief"
        page = self.open(self.letters(kind, who)[-1])
        over = [m for m in self.meetings() if m.end <= self.now and m.state != "cancelled"]
        number = max(over, key=lambda m: m.start).uid.partition("@")[0]
        return page.open(f"{page.root}/record/{number}")

    def save(self, page: Browser, **changes: str) -> Browser:
        """Save the record as it stands on the page, but for some changes."""
        return self.send(page, page.path.rpartition("/")[2], **changes)

    def blank(self, page: Browser, kind: str) -> str:
        """The name of the empty line of one kind."""
        return blank(form(page.text, page.path.rpartition("/")[2])[1], kind)

    def new_statement(self, page: Browser, text: str, say: str = "agree") -> dict[str, str]:
        """A new statement of one's own."""
        name = self.blank(page, "s")
        return {f"{name}.text": text, f"{name}.say": say}

    def new_action(self, page: Browser, what: str, **fields: str) -> dict[str, str]:
        """A new action, the rest as the page proposes it."""
        name = self.blank(page, "a")
        return {f"{name}.what": what, f"{name}.needs": "nothing"} | {
            f"{name}.{key}": value for key, value in fields.items()
        }

    def line(self, page: Browser, words: str) -> str:
        """The name of the line of the record that holds these words."""
        return named(form(page.text, page.path.rpartition("/")[2])[1], words)


@dataclass
class Sent:
    """A letter as its reader has it."""

    mail: EmailMessage = field(repr=False)

    @property
    def kind(self) -> str:
        return str(self.mail["X-Careloop-Letter"])

    @property
    def meeting(self) -> str:
        return str(self.mail["X-Careloop-Meeting"])

    @property
    def to(self) -> Email:
        return email(self.mail["To"].addresses[0].addr_spec)

    @property
    def text(self) -> str:
        body = self.mail.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    @property
    def link(self) -> str:
        found_ = re.search(r"http://127\.0\.0\.1:8080(/\S+)", self.text)
        assert found_ is not None
        return found_[1]


@contextmanager
def a_story(root: Path, **company: Any) -> Iterator[Story]:
    """Found a company, take its first turn; close everything at the end."""
    fields = {"pairs": 1, "days": 260, "taken": (0.05, 0.1), **company}
    acme = found(root / "acme", start=START.date(), **fields)
    config = acme.root / "config.toml"
    config.write_text(config.read_text() + MORE)
    app = opened(acme)
    clock = Clock(START)
    story = Story(acme, app, create_app(app, None), clock)
    try:
        story.go(START)
        yield story
    finally:
        app.database.close()
