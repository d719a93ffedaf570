"""Calendar programs of people who have nothing but a mailbox: they read our invitations with
another library than ours (vobject), and answer as Outlook, Gmail and Apple Mail write it."""

import base64
import quopri
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any
from zoneinfo import ZoneInfo

import vobject

STYLES = ("outlook", "gmail", "apple")
SERVICE = "careloop@acme.example"


@dataclass(frozen=True)
class Entry:
    """An event in a person's calendar."""

    uid: str
    start: datetime
    end: datetime
    sequence: int
    stamp: datetime
    summary: str
    organizer: str
    attendees: frozenset[str]


@dataclass
class Program:
    """One person's calendar program."""

    email: str
    style: str = "outlook"
    entries: dict[str, Entry] = field(default_factory=dict)
    revisions: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """Also of what was withdrawn: an older revision does not bring it back (RFC 5546)."""
    shown: list[tuple[str, str]] = field(default_factory=list)
    """Every invitation or withdrawal that changed anything: method and uid."""

    # --- reading ----------------------------------------------------------------------------

    def receive(self, content: bytes) -> None:
        """Do what the mail says, as far as it is news."""
        method, event = opened(content)
        entry = _entry(event)
        rank = (entry.sequence, entry.stamp)
        if rank <= self.revisions.get(entry.uid, (-1, entry.stamp)):
            return
        if self.email not in entry.attendees:
            raise AssertionError(f"{self.email} was sent what is not theirs: {entry}")
        self.revisions[entry.uid] = rank
        self.shown.append((method, entry.uid))
        if method == "CANCEL":
            self.entries.pop(entry.uid, None)
        else:
            assert method == "REQUEST", method
            self.entries[entry.uid] = entry

    # --- answering --------------------------------------------------------------------------

    def answer(self, uid: str, partstat: str, stamp: datetime) -> bytes:
        """The mail behind the buttons Yes, No and Maybe."""
        return self._mail("REPLY", self.entries[uid], stamp, partstat)

    def propose(self, uid: str, start: datetime, stamp: datetime) -> bytes:
        """The mail behind "propose another time"."""
        there = _at(self.entries[uid], start)
        return self._mail("COUNTER", there, stamp, "TENTATIVE")

    def move(
        self, uid: str, start: datetime, stamp: datetime, end: datetime | None = None
    ) -> bytes:
        """An organizer drags the event, or its edge."""
        moved = _at(self.entries[uid], start)
        moved = replace(moved, end=end or moved.end, sequence=moved.sequence + 1, stamp=stamp)
        self.entries[uid], self.revisions[uid] = moved, (moved.sequence, stamp)
        return self._mail("REQUEST", moved, stamp)

    def delete(self, uid: str, stamp: datetime) -> bytes:
        """An organizer deletes the event."""
        gone = self.entries.pop(uid)
        gone = replace(gone, sequence=gone.sequence + 1, stamp=stamp)
        self.revisions[uid] = (gone.sequence, stamp)
        return self._mail("CANCEL", gone, stamp)

    def _mail(self, method: str, entry: Entry, stamp: datetime, partstat: str = "") -> bytes:
        ics = _object(self, method, entry, stamp, partstat)
        to = SERVICE if method in {"REPLY", "COUNTER"} else ", ".join(sorted(entry.attendees))
        return _WRITERS[self.style](self.email, to, method, ics)


def opened(content: bytes) -> tuple[str, Any]:
    """Method and event of an invitation, checked as strict clients check them."""
    mail = BytesParser(policy=policy.default).parsebytes(content)
    assert not mail.defects
    assert mail.get_content_type() == "multipart/mixed"
    alternative, attached = mail.iter_parts()
    kinds = [part.get_content_type() for part in alternative.iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    invitation = list(alternative.iter_parts())[-1]
    assert invitation["Content-Transfer-Encoding"] == "base64"
    assert invitation["Content-Disposition"] is None
    assert invitation.get_content_charset() == "utf-8"
    ics = invitation.get_payload(decode=True)
    assert attached.get_content_type() == "application/ics"
    assert attached.get_filename() == "invite.ics"
    assert attached.get_payload(decode=True) == ics
    calendar = vobject.readOne(ics.decode())
    method = calendar.method.value
    assert invitation["Content-Type"].params["method"] == method
    (event,) = calendar.vevent_list
    return method, event


def _entry(event: Any) -> Entry:
    return Entry(
        uid=event.uid.value,
        start=event.dtstart.value,
        end=event.dtend.value,
        sequence=int(event.sequence.value),
        stamp=event.dtstamp.value,
        summary=event.summary.value,
        organizer=_bare(event.organizer.value),
        attendees=frozenset(_bare(each.value) for each in event.attendee_list),
    )


def _bare(address: str) -> str:
    return address.removeprefix("mailto:").lower()


def _at(entry: Entry, start: datetime) -> Entry:
    return replace(entry, start=start, end=start + (entry.end - entry.start))


# --- the objects ----------------------------------------------------------------------------

_PRODUCTS = {
    "outlook": "Microsoft Exchange Server 2010",
    "gmail": "-//Google Inc//Google Calendar 70.9054//EN",
    "apple": "-//Apple Inc.//macOS 15.1//EN",
}
_BERLIN = ZoneInfo("Europe/Berlin")
_ZONE = """BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


def _object(me: Program, method: str, entry: Entry, stamp: datetime, partstat: str) -> str:
    outlook = me.style == "outlook"
    answers = method in {"REPLY", "COUNTER"}
    who = [me.email] if answers else sorted(entry.attendees)
    lines = [
        "BEGIN:VCALENDAR",
        f"METHOD:{method}",
        f"PRODID:{_PRODUCTS[me.style]}",
        "VERSION:2.0",
        *(_ZONE.splitlines() if outlook else ()),
        "BEGIN:VEVENT",
        *(_attendee(each, partstat or "NEEDS-ACTION", me.style) for each in who),
        f"ORGANIZER;CN=Somebody:{'MAILTO' if outlook else 'mailto'}:{entry.organizer}",
        f"UID:{entry.uid}",
        f"SUMMARY;LANGUAGE=en-US:{'Accepted: ' if outlook else ''}{entry.summary}",
        f"DTSTART{_time(entry.start, me.style)}",
        f"DTEND{_time(entry.end, me.style)}",
        f"DTSTAMP:{stamp.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"SEQUENCE:{entry.sequence}",
        "CLASS:PUBLIC",
        f"STATUS:{'CANCELLED' if method == 'CANCEL' else 'CONFIRMED'}",
        *(("X-MICROSOFT-CDO-APPT-SEQUENCE:0", "X-MICROSOFT-DISALLOW-COUNTER:FALSE") * outlook),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(_folded(line) for line in lines)


def _attendee(who: str, partstat: str, style: str) -> str:
    if style == "outlook":
        return f"ATTENDEE;PARTSTAT={partstat};CN={who.partition('@')[0]}:MAILTO:{who}"
    if style == "gmail":
        return (
            f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={partstat};"
            f'CN="{who}";X-NUM-GUESTS=0:mailto:{who}'
        )
    return f"ATTENDEE;CN={who};CUTYPE=INDIVIDUAL;EMAIL={who};PARTSTAT={partstat}:mailto:{who}"


def _time(when: datetime, style: str) -> str:
    if style == "outlook":
        return f";TZID=W. Europe Standard Time:{when.astimezone(_BERLIN):%Y%m%dT%H%M%S}"
    if style == "apple":
        return f";TZID=Europe/Berlin:{when.astimezone(_BERLIN):%Y%m%dT%H%M%S}"
    return f":{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _folded(line: str) -> str:
    return line if len(line) <= 75 else line[:75] + "\r\n " + _folded(line[75:])


# --- the mails around them ------------------------------------------------------------------


def _outlook(sender: str, to: str, method: str, ics: str) -> bytes:
    """Exchange: text and the object as alternatives, base64."""
    part = base64.encodebytes(ics.encode()).decode()
    return _lines(
        f"From: Person <{sender}>",
        f"To: {to}",
        "Subject: Accepted: Performance connection",
        "Content-Class: urn:content-classes:calendarmessage",
        "X-MS-Has-Attach:",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "MIME-Version: 1.0",
        'Content-Type: multipart/alternative; boundary="_000_x_"',
        "",
        "--_000_x_",
        'Content-Type: text/plain; charset="us-ascii"',
        "",
        "",
        "--_000_x_",
        f'Content-Type: text/calendar; charset="utf-8"; method={method}',
        "Content-Transfer-Encoding: base64",
        "",
        part,
        "--_000_x_--",
        "",
    )


def _gmail(sender: str, to: str, method: str, ics: str) -> bytes:
    """Google Calendar: alternatives in clear text, and the object once more as a file."""
    return _lines(
        "Return-Path: <" + sender + ">",
        f"From: Person <{sender}>",
        "Sender: Google Calendar <calendar-notification@google.com>",
        f"To: {to}",
        "Subject: =?UTF-8?Q?Accepted=3A_Performance_connection?=",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="000m"',
        "",
        "--000m",
        'Content-Type: multipart/alternative; boundary="000a"',
        "",
        "--000a",
        'Content-Type: text/plain; charset="UTF-8"; format=flowed; delsp=yes',
        "Content-Transfer-Encoding: base64",
        "",
        base64.b64encode(b"Person has accepted this invitation.").decode(),
        "--000a",
        f'Content-Type: text/calendar; charset="UTF-8"; method={method}',
        "Content-Transfer-Encoding: 7bit",
        "",
        ics,
        "--000a--",
        "--000m",
        'Content-Type: application/ics; name="invite.ics"',
        'Content-Disposition: attachment; filename="invite.ics"',
        "Content-Transfer-Encoding: base64",
        "",
        base64.encodebytes(ics.encode()).decode(),
        "--000m--",
        "",
    )


def _apple(sender: str, to: str, method: str, ics: str) -> bytes:
    """Apple Mail: the object as the second part of a mixed mail, quoted-printable."""
    return _lines(
        f"From: Person <{sender}>",
        f"To: {to}",
        "Subject: Performance connection",
        "Mime-Version: 1.0 (Apple Message framework v1085)",
        "Content-Type: multipart/mixed; boundary=Apple-Mail-1",
        "",
        "--Apple-Mail-1",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Person accepted your invitation.",
        "--Apple-Mail-1",
        f"Content-Type: text/calendar; charset=utf-8; method={method}; name=iCal.ics",
        "Content-Disposition: attachment; filename=iCal.ics",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        quopri.encodestring(ics.encode()).decode(),
        "--Apple-Mail-1--",
        "",
    )


_WRITERS = {"outlook": _outlook, "gmail": _gmail, "apple": _apple}


def _lines(*lines: str) -> bytes:
    text = "\r\n".join(lines)
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def bridged(answer: bytes) -> bytes:
    """The same answer after a bridge: `method=` is gone, the object is only a file."""
    mail = BytesParser(policy=policy.default).parsebytes(answer)
    ics = next(p for p in mail.walk() if p.get_content_type() == "text/calendar")
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"] = str(mail["From"]), str(mail["To"])
    made.set_content("See the attachment.")
    made.add_attachment(
        ics.get_payload(decode=True), maintype="application", subtype="ics", filename="reply.ics"
    )
    return made.as_bytes()


def passed_on(answer: bytes, by: str) -> bytes:
    """The same answer as an attachment of somebody's own mail."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"] = by, SERVICE
    made.set_content("For you.")
    made.add_attachment(BytesParser(policy=policy.default).parsebytes(answer))
    return made.as_bytes()


def feed(busy: Iterable[tuple[datetime, datetime]], entries: Iterable[Entry] = ()) -> bytes:
    """A published calendar."""
    rows = [(f"own-{n}", start, end) for n, (start, end) in enumerate(busy)]
    rows += [(entry.uid, entry.start, entry.end) for entry in entries]
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{end:%Y%m%dT%H%M%SZ}\r\nEND:VEVENT\r\n"
        for uid, start, end in rows
    )
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//feed//EN\r\n"
    return f"{head}{events}END:VCALENDAR\r\n".encode()
