"""Our invites as iCalendar objects: one event in UTC, never recurring, always the same bytes."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from daemon.core.domain import Email, Invite, Party, Reply

PRODID = "-//careloop//careloop//EN"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")
_IN_ADDRESS = "@!#$&'*+-./=?_~"
_IN_URL = "%:/?#[]@!$&'()*+,;=-._~"


def write(
    invite: Invite,
    *,
    method: str = "",
    replies: Mapping[Email, Reply] | None = None,
    sent_by: Email | None = None,
    unscheduled: bool = False,
) -> bytes:
    """Write an invite as the bytes of one iCalendar object.

    Without `method` as it stands at rest (a file, a CalDAV PUT: RFC 4791 section 4.1 forbids one);
    `REQUEST`, `CANCEL` or `DECLINECOUNTER` for transit (RFC 5546). `replies` are answers known so
    far; `sent_by` acts for the organizer (the service's own mailbox). `unscheduled` tells a server
    that would invite by itself to leave that be (SCHEDULE-AGENT, RFC 6638 section 7.1).
    """
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODID}",
        *([f"METHOD:{method}"] if method else []),
        "BEGIN:VEVENT",
        *_event(invite, method == "CANCEL", replies or {}, _acting(sent_by), _agent(unscheduled)),
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return b"".join(_folded(line) for line in lines)


def _event(
    invite: Invite,
    falls: bool,
    replies: Mapping[Email, Reply],
    acting: tuple[str, ...],
    agent: tuple[str, ...],
) -> Iterator[str]:
    yield f"UID:{text(invite.uid)}"
    yield f"DTSTAMP:{_utc(invite.stamp)}"
    yield f"SEQUENCE:{invite.sequence}"
    yield f"DTSTART:{_utc(invite.start)}"
    yield f"DTEND:{_utc(invite.end)}"
    yield f"SUMMARY:{text(invite.summary)}"
    if invite.description:
        yield f"DESCRIPTION:{text(invite.description)}"
    yield _party("ORGANIZER", invite.organizer, *acting, *agent)
    for party in invite.attendees:
        leads = party.email == invite.organizer.email
        first = Reply.ACCEPTED if leads else Reply.NEEDS_ACTION
        yield _attendee(party, replies.get(party.email, first), *([] if leads else agent))
    yield f"STATUS:{'CANCELLED' if falls else 'CONFIRMED'}"
    yield "CLASS:PRIVATE"
    yield "TRANSP:OPAQUE"
    if invite.url:
        yield f"URL:{quote(invite.url, safe=_IN_URL)}"
    if invite.comment:
        yield f"COMMENT:{text(invite.comment)}"
    yield f"X-CARELOOP-TIME:{_utc(invite.start)}/{_utc(invite.end)}"
    yield f"X-CARELOOP-NUMBER:{invite.number}"
    yield f"X-CARELOOP-GENERATION:{invite.generation}"
    if not falls:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{text(invite.summary)}")
        yield from ("TRIGGER:-PT10M", "END:VALARM")


def _acting(sent_by: Email | None) -> tuple[str, ...]:
    return (f"SENT-BY={parameter(_mailto(sent_by))}",) if sent_by else ()


def _agent(unscheduled: bool) -> tuple[str, ...]:
    return ("SCHEDULE-AGENT=NONE",) if unscheduled else ()


def _attendee(party: Party, reply: Reply, *agent: str) -> str:
    waits = ("RSVP=TRUE",) if reply is Reply.NEEDS_ACTION else ()
    said = ("CUTYPE=INDIVIDUAL", "ROLE=REQ-PARTICIPANT", f"PARTSTAT={reply}", *waits, *agent)
    return _party("ATTENDEE", party, *said)


def _party(name: str, party: Party, *parameters: str) -> str:
    named = (f"CN={parameter(party.name)}",) if party.name.strip() else ()
    return ";".join((name, *named, *parameters)) + ":" + _mailto(party.email)


def _mailto(address: Email) -> str:
    return "mailto:" + quote(address, safe=_IN_ADDRESS)


def text(words: str) -> str:
    """Words as an iCalendar TEXT value: escaped, on one line (RFC 5545 section 3.3.11)."""
    plain = _CONTROLS.sub(" ", words.replace("\r\n", "\n").replace("\r", "\n"))
    escaped = plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def parameter(words: str) -> str:
    """Words as a quoted parameter value (RFC 6868), which no sign in them can leave."""
    plain = _CONTROLS.sub(" ", words.replace("\r\n", "\n").replace("\r", "\n"))
    encoded = plain.replace("^", "^^").replace('"', "^'").replace("\n", "^n")
    return f'"{encoded}"'


def _utc(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _folded(line: str) -> bytes:
    """A content line of at most 75 octets a piece, never cut inside a sign (section 3.1)."""
    content = line.encode("utf-8", errors="replace")
    pieces, size = [], 75
    while len(content) > size:
        cut = size
        while content[cut] & 0xC0 == 0x80:
            cut -= 1
        pieces.append(content[:cut])
        content, size = content[cut:], 74
    return b"\r\n ".join([*pieces, content]) + b"\r\n"
