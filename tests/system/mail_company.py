"""A company that has nothing but mailboxes: Postfix, Dovecot, feeds over HTTP, and people whose
calendar programs answer. What they see is laid out as files for the checker (`Books`)."""

import random
import re
import smtplib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import policy
from email.parser import BytesHeaderParser

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.doubles.mailboxes import PASSWORD
from tests.doubles.postfix import Office
from tests.doubles.programs import SERVICE, STYLES, Entry, Program, bridged, feed, passed_on
from tests.system.company import Company

_SETTINGS = """kind = "smtp"
[calendar]
kind = "imip"
[smtp]
host = "127.0.0.1"
port = {smtp}
tls = "none"
[imap]
host = "127.0.0.1"
port = {imap}
tls = "none"
user = "careloop"
password = "file:mail.secret"
[imip]
feed_minutes = 0
allow_private = ["localhost", "127.0.0.1"]
"""
_ABSENT = (
    "From: {who}\r\nTo: {us}\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n"
    "Message-ID: <{number}@absent>\r\n\r\nI am away.\r\n"
)


@dataclass
class MailCompany:
    """Everybody's mailbox and calendar program."""

    company: Company
    office: Office
    dice: random.Random
    programs: dict[str, Program]
    ids: dict[str, Counter[str]]
    """By person: how often a mail of ours with this Message-ID came."""
    answered: set[tuple[str, int]] = field(default_factory=set)
    asked_to_move: set[str] = field(default_factory=set)
    said: Counter[str] = field(default_factory=Counter)
    contrary: float = 0.2
    """How often a manager does not simply accept."""
    _letters: int = 0

    def evening(self, now: datetime) -> None:
        """Everybody fetches their mail, answers what is new, and lets the checker look."""
        self.office.settle()
        for who in self.programs:
            for content in sorted(self.office.boxes.collect(who), key=_named):
                self._receive(who, content)
        for who, program in self.programs.items():
            for entry in sorted(program.entries.values(), key=lambda entry: entry.uid):
                if entry.start > now and entry.organizer != who:
                    self._answer(program, entry, now)
        self.office.settle()
        self.lay_out()

    def _receive(self, who: str, content: bytes) -> None:
        head = BytesHeaderParser(policy=policy.default).parsebytes(content)
        if head["X-Careloop-Meeting"] is None:
            return
        self.ids[who][str(head["Message-ID"])] += 1
        if head["X-Careloop-Letter"] is None:
            self.programs[who].receive(content)
            return
        folder = self.company.root / "outbox" / "new"
        folder.mkdir(parents=True, exist_ok=True)
        self._letters += 1
        (folder / f"{self._letters:06}").write_bytes(content)
        if self.dice.random() < 0.1:
            self.send(who, _ABSENT.format(who=who, us=SERVICE, number=self._letters).encode())
            self.said["absent"] += 1

    def _answer(self, program: Program, entry: Entry, now: datetime) -> None:
        """The manager answers each revision once, and asks for another time at most once."""
        if (entry.uid, entry.sequence) in self.answered:
            return
        self.answered.add((entry.uid, entry.sequence))
        chance, stamp = self.dice.random(), now + timedelta(hours=1)
        far = entry.start - now > timedelta(days=2) and entry.uid not in self.asked_to_move
        if chance < self.contrary and far:
            self.asked_to_move.add(entry.uid)
            if chance < 0.1:
                mail = program.answer(entry.uid, "DECLINED", stamp)
            else:
                mail = program.propose(entry.uid, entry.start + timedelta(hours=1), stamp)
            self.said["declined" if chance < 0.1 else "proposed"] += 1
        elif chance < 0.8:
            mail = program.answer(entry.uid, "ACCEPTED", stamp)
            self.said["accepted"] += 1
        else:
            return
        self._mail_in_some_way(program.email, entry, mail)

    def _mail_in_some_way(self, who: str, entry: Entry, mail: bytes) -> None:
        way = self.dice.random()
        if way < 0.1:
            self.send(who, bridged(mail))
        elif way < 0.2:
            self.send(entry.organizer, passed_on(mail, entry.organizer))
        else:
            self.send(who, mail)

    def send(self, who: str, content: bytes) -> None:
        """Somebody sends a mail to the service."""
        with smtplib.SMTP("127.0.0.1", self.office.port, timeout=20) as wire:
            wire.sendmail(who, SERVICE, content)

    def lay_out(self) -> None:
        """Write everybody's calendar as files."""
        for who, program in self.programs.items():
            folder = self.company.root / "calendars" / who
            for file in folder.glob("*@careloop.ics"):
                file.unlink()
            for entry in program.entries.values():
                (folder / f"{entry.uid}.ics").write_bytes(_file(entry))

    def feed(self, request: Request) -> Response:
        """A person's published calendar: own appointments, and ours as their program shows them."""
        who = request.path.strip("/").removesuffix(".ics")
        content = feed(self.company.people[who].busy, self.programs[who].entries.values())
        etag = f'"{hash(content)}"'
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304)
        return Response(content, headers={"ETag": etag})


def _named(content: bytes) -> str:
    """What mails are put in order by: two that are delivered side by side come in any."""
    return str(BytesHeaderParser(policy=policy.default).parsebytes(content)["Message-ID"])


def _file(entry: Entry) -> bytes:
    lines = (
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        f"UID:{entry.uid}",
        f"DTSTART:{entry.start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{entry.end:%Y%m%dT%H%M%SZ}",
        f"ORGANIZER:mailto:{entry.organizer}",
        *(f"ATTENDEE:mailto:{who}" for who in sorted(entry.attendees)),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    return "\r\n".join(lines).encode()


def with_mail(company: Company, office: Office, web: HTTPServer, seed: int) -> MailCompany:
    """Give a company mail instead of calendar folders."""
    root, people = company.root, company.people
    settings = _SETTINGS.format(smtp=office.port, imap=office.boxes.port)
    with (root / "config.toml").open("a") as file:
        file.write(settings)
    (root / "mail.secret").write_text(PASSWORD)
    (root / "mail.secret").chmod(0o600)
    url = web.url_for("").rstrip("/")
    head, *rows = (root / "people.csv").read_text().splitlines()
    rows = [f"{row}{url}/{row.partition(',')[0]}.ics" for row in rows]
    (root / "people.csv").write_text("\n".join([head, *rows, ""]))
    programs = {who: Program(who, STYLES[n % 3]) for n, who in enumerate(people)}
    made = MailCompany(
        company, office, random.Random(seed), programs, {who: Counter() for who in people}
    )
    for who in (*people, SERVICE):
        office.boxes.forget(who)
    web.expect_request(re.compile(".*")).respond_with_handler(made.feed)
    return made
