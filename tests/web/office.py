"""A small office for tests of the pages: a store, two pairs, links, and a browser of one's own."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from daemon.config.model import (
    CadenceSection,
    Config,
    Organization,
    PeopleTeam,
    Service,
    Web,
)
from daemon.core.domain import Email, Kind, Meeting, Person, Uid, email
from daemon.core.followup import attest
from daemon.letters import Letters
from daemon.links import Links, Purpose
from daemon.store import access, meetings, pairs, people
from daemon.store.database import open_database
from daemon.store.vault import Vault
from daemon.web.app import create_app
from daemon.wiring import App
from tests.factories import NOW, a_meeting, a_pair, a_person

SECRET = b"a secret of thirty-two bytes....."
EVA, MAX = email("eva@acme.example"), email("max@acme.example")
TOM, MIA = email("tom@acme.example"), email("mia@acme.example")
HANA = email("hana@acme.example")
PAIR, OTHER = a_pair(), a_pair(TOM, MIA)

ROLE = "# Baker\n- Bakes bread\n- Opens the shop\n- Trains apprentices\n"


@dataclass
class Clock:
    """A clock that stands until it is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Office:
    """The application and everything around it."""

    app: App
    flask: Flask
    clock: Clock
    woken: list[bool] = field(default_factory=list)

    def browser(self) -> "Browser":
        return Browser(self.flask.test_client(), self)

    def link(self, purpose: Purpose, person: Email, uid: Uid) -> str:
        url = self.app.links.make(purpose, person, uid, self.clock.now)
        return url.removeprefix("http://127.0.0.1:8080")

    def opened(self, purpose: Purpose, person: Email, uid: Uid) -> "Browser":
        browser = self.browser()
        browser.open(self.link(purpose, person, uid))
        return browser

    def meeting(self, **fields: Any) -> Meeting:
        """Book a meeting; by default Eva's follow-up next week."""
        meeting = a_meeting(**fields)
        with self.app.database.writing() as conn:
            meetings.save(conn, [meeting])
        return meeting

    def held(self, meeting: Meeting, by: Email) -> Meeting:
        changed = attest(meeting, by, None, self.clock.now)
        with self.app.database.writing() as conn:
            meetings.save(conn, [changed])
        return changed

    def kept(self, uid: Uid) -> Meeting:
        with self.app.database.reading() as conn:
            found = meetings.by_uid(conn, uid)
        assert found is not None
        return found


@dataclass
class Browser:
    """Follows redirects, remembers cookies, and sends forms as they stand on the page."""

    client: FlaskClient
    office: Office
    path: str = ""
    text: str = ""
    status: int = 0

    def open(self, path: str) -> "Browser":
        return self._see(self.client.get(path, follow_redirects=True))

    def send(self, path: str, **fields: Any) -> "Browser":
        """Post a form with the token of the page that was opened last."""
        data = {"csrf_token": self.token(), **fields.pop("data", {}), **fields}
        answer = self.client.post(
            path, data=data, follow_redirects=True, content_type="multipart/form-data"
        )
        return self._see(answer)

    def token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.text)
        return found[1] if found else ""

    @property
    def root(self) -> str:
        return "/".join(self.path.split("/")[:3])

    def _see(self, answer: TestResponse) -> "Browser":
        self.status, self.path = answer.status_code, answer.request.path
        self.text = answer.get_data(as_text=True)
        return self


def an_office(folder: Path, *, limits: str | None = None, **service: Any) -> Office:
    """Open an office in a folder: Eva and Max, Tom and Mia, and Hana of the people team."""
    (folder / "hr").mkdir(exist_ok=True)
    (folder / "hr" / "Baker.md").write_text(ROLE, encoding="utf-8")
    clock = Clock()
    database = open_database("sqlite:///state.db", folder)
    config = Config(
        root=folder,
        organization=Organization(
            name="Acme",
            vision="Bread for all",
            goals=("Open a second shop",),
            values=("Honest dough",),
        ),
        cadence=CadenceSection(),
        people_team=PeopleTeam(members=(HANA,)),
        web=Web(),
        service=Service(**service),
    )
    app = App(
        config=config,
        database=database,
        letters=Letters(organization="Acme", sender=email("c@acme.example"), sender_name="c"),
        links=Links(config.web.url, [SECRET], config.web.link_days, access.versions(database)),
        vault=Vault([SECRET]),
        clock=clock,
    )
    with database.writing() as conn:
        people.remember(conn, staff(), NOW)
        for pair in (PAIR, OTHER):
            pairs.begin(conn, pair, NOW.date() - timedelta(days=60))
    return Office(app, create_app(app, limits), clock)


def staff() -> list[Person]:
    """Everybody there."""
    return [
        a_person(EVA, manager=MAX, role="Baker", unit="Bakery", zone="Europe/Berlin", country="DE"),
        a_person(MAX, manager=None, zone="Europe/Berlin", country="DE"),
        a_person(TOM, manager=MIA, unit="Shop"),
        a_person(MIA, manager=None),
        a_person(HANA),
    ]


def a_first_meeting(**fields: Any) -> dict[str, Any]:
    """Fields of the meeting that opens the cycle."""
    return {"kind": Kind.FIRST, **fields}
