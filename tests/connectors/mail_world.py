"""Calendars by mail with everything real but the network: our connector, an SMTP server, Dovecot
for the answers, feeds over HTTP, and the calendar programs of people."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.imip import Imip
from daemon.config.imap import Imap
from daemon.config.imip import Imip as ImipSection
from daemon.config.model import Config, MailSection, Organization
from daemon.config.smtp import Smtp as SmtpSection
from daemon.core.domain import Availability, Email, Interval, Meeting, Person, Reply, Uid
from daemon.core.ports import Calendar, Unknown
from tests.connectors.contract import PEOPLE, Seen
from tests.doubles.mailboxes import PASSWORD, Mailboxes
from tests.doubles.programs import STYLES, Program, feed
from tests.doubles.smtp import Smtp

US = "careloop"
"""Our mailbox."""


class WithFeeds:
    """The connector as a roster with `calendar_url` lets the loop use it."""

    def __init__(self, calendar: Imip, url: str) -> None:
        self._calendar, self._url = calendar, url
        self.put, self.cancel, self.look = calendar.put, calendar.cancel, calendar.look

    def busy(
        self, people: Collection[Person], within: Interval, ours: Collection[Meeting]
    ) -> Mapping[Email, Availability | Unknown]:
        staff = [replace(p, calendar_url=f"{self._url}/{p.email}.ics") for p in people]
        return self._calendar.busy(staff, within, ours)


class World:
    """People with mailboxes and feeds."""

    def __init__(
        self, server: Smtp, boxes: Mailboxes, web: HTTPServer, root: Path, **imip: Any
    ) -> None:
        self.server, self.boxes, self.web, self.root = server, boxes, web, root
        self.imip = imip
        self.people = {
            p.email: Program(p.email, style) for p, style in zip(PEOPLE, STYLES, strict=True)
        }
        self.own: dict[str, list[Interval]] = {p.email: [] for p in PEOPLE}
        self.broken: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.fetched: Counter[str] = Counter()
        self._seen = 0
        self.stamp = datetime.fromisoformat("2027-02-12T00:00:00+00:00")
        server.refused["nobody@elsewhere.invalid"] = "550 5.1.1 no such mailbox"
        web.expect_request(re.compile(".*")).respond_with_handler(self._feed)
        secret = root / "mail.secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        self.calendar: Calendar = self.reopen()

    def config(self, **imap: Any) -> Config:
        """The configuration of this world."""
        settings: dict[str, Any] = {"allow_private": ("127.0.0.1", "localhost"), "feed_minutes": 0}
        login = {"user": US, "password": "file:mail.secret", "tls": "none", "host": "127.0.0.1"}
        return Config(
            root=self.root,
            organization=Organization(name="Acme"),
            mail=MailSection(sender="careloop@acme.example", kind="smtp"),
            smtp=SmtpSection(host="127.0.0.1", port=self.server.port, tls="none"),
            imap=Imap(**login | {"port": self.boxes.port} | imap),
            imip=ImipSection(**settings | self.imip),
        )

    def bare(self, **imap: Any) -> Imip:
        """The connector itself, as a fresh process opens it."""
        return Imip(self.config(**imap))

    def reopen(self) -> Calendar:
        return WithFeeds(self.bare(), self.web.url_for("").rstrip("/"))

    def add(self, person: Email, when: Interval, summary: str = "Dentist") -> None:
        self.own[person].append(when)

    def move(self, person: Email, uid: Uid, to: Interval) -> None:
        self.tell(self.program(person).move(uid, to.start, self.later(), to.end))

    def delete(self, person: Email, uid: Uid) -> None:
        self.tell(self.program(person).delete(uid, self.later()))

    def answer(self, person: Email, uid: Uid, reply: Reply) -> None:
        self.tell(self.program(person).answer(uid, reply.value, self.later()))

    def sees(self, person: Email) -> list[Seen]:
        ours = [
            Seen(x.uid, x.start, x.end, x.summary, x.organizer, x.attendees, x.sequence)
            for x in self.program(person).entries.values()
        ]
        return ours + [Seen("own", each.start, each.end) for each in self.own[person]]

    def spoil(self, person: Email) -> None:
        self.broken.add(person)

    def program(self, person: str) -> Program:
        """Somebody's calendar program, after it has fetched its mail."""
        for mail in self.server.taken[self._seen :]:
            for to in mail.to:
                if to in self.people:
                    self.people[Email(to)].receive(mail.content)
        self._seen = len(self.server.taken)
        return self.people[Email(person)]

    def tell(self, content: bytes) -> None:
        """A mail reaches our mailbox."""
        self.boxes.deliver(US, content)

    def later(self) -> datetime:
        """The time of what somebody does now."""
        self.stamp += timedelta(hours=1)
        return self.stamp

    def _feed(self, request: Request) -> Response:
        who = request.path.strip("/").removesuffix(".ics")
        self.asked[who] += 1
        if who in self.broken:
            return Response("out of order", 500)
        content = feed(
            [(each.start, each.end) for each in self.own[who]],
            self.program(who).entries.values(),
        )
        etag = f'"{hash(content)}"'
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304)
        self.fetched[who] += 1
        return Response(content, headers={"ETag": etag})
