"""Incoming mail sorted: answers of calendars, delivery reports, machines' mail, people's mail.

Nothing that comes in is ever answered by mail. Whatever cannot be understood says why.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses
from enum import StrEnum

from connectors._ical_lines import Unreadable
from connectors._ical_read import Event, read
from connectors._imip_auth import vouched
from connectors._imip_notes import Note
from daemon.core.domain import Email, Reply, Uid, email

_OURS = re.compile(r"[0-9a-v]{32}@careloop")
_METHODS = frozenset({"REPLY", "COUNTER", "REQUEST", "CANCEL"})
_CALENDAR = frozenset({"text/calendar", "application/ics", "text/x-vcalendar"})
_MOST_PARTS = 100
_LARGEST = 256 * 1024
"""Bytes of one calendar object in a mail; an answer has about one thousand."""
_OUR_ENVELOPES = re.compile(r"(letter|request|cancel):")


class Sort(StrEnum):
    """What a mail is to us."""

    ANSWER = "answer"
    REPORT = "report"
    """A delivery report (RFC 3464)."""
    OWN = "own"
    """Our own mail, come back."""
    MACHINE = "machine"
    """An absence note, a list, a receipt."""
    PERSON = "person"
    """Somebody wrote to us: left for a person to read."""
    REFUSED = "refused"
    """It could not be understood, or is not to be believed."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """A mail and what it says."""

    sort: Sort
    why: str = ""
    notes: tuple[tuple[Uid, Note], ...] = ()
    bounced: tuple[tuple[Email, str], ...] = ()
    """Addresses that cannot be reached, each with the status (RFC 3463)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Who we are, and whose word we take for a sender's name (empty: everybody's)."""

    us: Email
    authserv_id: str = ""


class _Refused(Exception):
    """A mail that goes to the quarantine; the message says why."""


def sort(content: bytes, rules: Rules) -> Sorted:
    """Tell what a mail is. Never raises for what stands in it."""
    try:
        message = BytesParser(policy=policy.compat32).parsebytes(content)
        return _sort(message, rules)
    except _Refused as error:
        return Sorted(Sort.REFUSED, str(error))
    except Unreadable as error:
        return Sorted(Sort.REFUSED, f"its calendar object is not understood: {error}")
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        return Sorted(Sort.REFUSED, f"it is not understood: {error!r}"[:200])


def _sort(message: "Message[str, str]", rules: Rules) -> Sorted:
    sender = _sender(message)
    if sender == rules.us or any(f"X-Careloop-{x}" in message for x in ("Meeting", "Letter")):
        return Sorted(Sort.OWN)
    if message.get_content_type() == "multipart/report":
        return Sorted(Sort.REPORT, bounced=tuple(_bounced(message)))
    notes = tuple(_notes(message, sender))
    if notes:
        if rules.authserv_id and not vouched(message, sender, rules.authserv_id):
            raise _Refused(f"{rules.authserv_id} does not vouch for its sender")
        return Sorted(Sort.ANSWER, notes=notes)
    return Sorted(Sort.MACHINE if _by_machine(message) else Sort.PERSON)


def _sender(message: "Message[str, str]") -> Email:
    said = [address for _, address in getaddresses([_header(message, "From")]) if address]
    return email(said[0]) if len(said) == 1 else Email("")


def _header(message: "Message[str, str]", name: str) -> str:
    return str(message.get(name, ""))


def _by_machine(message: "Message[str, str]") -> bool:
    """Tell mail nobody typed (RFC 3834, and what was used before it)."""
    submitted = _header(message, "Auto-Submitted").strip().lower()
    listed = _header(message, "Precedence").strip().lower() in {
        "bulk",
        "list",
        "junk",
        "auto_reply",
    }
    marks = ("List-Id", "X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress")
    nobody = _header(message, "Return-Path").strip() == "<>"
    return submitted not in {"", "no"} or listed or nobody or any(mark in message for mark in marks)


# --- calendar objects -----------------------------------------------------------------------


def _notes(message: "Message[str, str]", sender: Email) -> Iterator[tuple[Uid, Note]]:
    found: dict[str, tuple[Uid, Note]] = {}
    for part in _parts(message):
        content = _content(part)
        if b"@careloop" not in content:
            continue
        parcel = read(content)
        method = (parcel.method or str(part.get_param("method") or "")).upper()
        for event in parcel.events if method in _METHODS else ():
            if _OURS.fullmatch(event.uid):
                note = _note(event, method, sender)
                found[f"{event.uid}:{note.id}"] = (Uid(event.uid), note)
    yield from found.values()


def _parts(message: "Message[str, str]") -> Iterator["Message[str, str]"]:
    """Everything that may be a calendar object, also within mails that were passed on."""
    for number, part in enumerate(message.walk()):
        if number > _MOST_PARTS:
            raise _Refused(f"it has more than {_MOST_PARTS} parts")
        if part.is_multipart():
            continue
        named = (part.get_filename() or "").lower().endswith(".ics")
        if named or part.get_content_type() in _CALENDAR:
            yield part


def _content(part: "Message[str, str]") -> bytes:
    """The object as UTF-8."""
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    if len(content) > _LARGEST:
        raise _Refused(f"its calendar object is larger than {_LARGEST // 1024} KiB")
    charset = (part.get_content_charset() or "utf-8").lower()
    if charset in {"utf-8", "us-ascii"}:
        return content
    return content.decode(charset, "replace").encode()


def _note(event: Event, method: str, sender: Email) -> Note:
    if event.recurs:
        raise _Refused("it makes a series of a single meeting")
    if method in {"REQUEST", "COUNTER"} and event.when is None:
        raise _Refused(f"{method} without a time")
    who = _answering(event, sender) if method in {"REPLY", "COUNTER"} else event.organizer
    if who is None:
        raise _Refused(f"{method} without an organizer")
    reply = event.replies.get(who, Reply.NEEDS_ACTION)
    return Note(method, who, sender, event.sequence, event.stamp, reply, event.when)


def _answering(event: Event, sender: Email) -> Email:
    """Who answers: the one attendee named; of several (a COUNTER names all) the sender."""
    if len(event.replies) == 1:
        return next(iter(event.replies))
    if sender in event.replies:
        return sender
    raise _Refused("it does not tell whose answer it is")


# --- delivery reports -----------------------------------------------------------------------


def _bounced(message: "Message[str, str]") -> Iterator[tuple[Email, str]]:
    """Recipients who cannot be reached at all, where the report is about mail of ours."""
    groups = [
        group
        for part in message.walk()
        if part.get_content_type() == "message/delivery-status"
        for group in _groups(part)
    ]
    if not (_about_ours(message) or any(_names_ours(group) for group in groups)):
        return
    for group in groups:
        status = _header(group, "Status").strip()
        failed = _header(group, "Action").strip().lower() == "failed"
        address = _header(group, "Original-Recipient") or _header(group, "Final-Recipient")
        if failed and status.startswith("5.") and "@" in address:
            yield email(address.partition(";")[2]), status[:20]


def _groups(part: "Message[str, str]") -> "list[Message[str, str]]":
    found = part.get_payload()
    return [each for each in found if isinstance(each, Message)] if isinstance(found, list) else []


def _names_ours(group: "Message[str, str]") -> bool:
    return bool(_OUR_ENVELOPES.match(_header(group, "Original-Envelope-Id").strip()))


def _about_ours(message: "Message[str, str]") -> bool:
    """Tell a report that gives our own header lines back."""
    for part in message.walk():
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes) and b"\nX-Careloop-" in payload:
                return True
        elif part is not message and "X-Careloop-Meeting" in part:
            return True
    return False
