"""An invitation as a mail that Outlook, Gmail and Apple Mail show with their buttons (RFC 6047).

Equal invites give equal bytes: a repeat is the same mail, and the same revision to a calendar.
"""

import base64
import hashlib
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from connectors._smtp_words import Unsendable, ascii_domain
from daemon.core.domain import Email, Invite, Key, Mail, Party

_WIDE = policy.SMTP.clone(max_line_length=998)
"""Python tears ids apart where a line may be no longer than 78 signs."""
_MOST_ID = 70
_CLASS = "urn:content-classes:calendarmessage"
"""What old Exchange servers tell an invitation by."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom invitations come from: the mailbox that reads the answers."""

    email: Email
    name: str


def mail(invite: Invite, ics: bytes, method: str, to: Party, sender: Sender) -> Mail:
    """Put one invitation (`REQUEST`) or withdrawal (`CANCEL`) to one person together.

    `ics` is the object it carries. Raises `Unsendable` for an address it cannot be written to.
    """
    key = Key(f"{method.lower()}:{invite.uid}:{invite.sequence}:{to.email}")
    message = EmailMessage(policy=policy.SMTP)
    message_id = _identifier(key, sender)
    for name, value in _headers(invite, to, sender, message_id):
        message[name] = value
    _fill(message, invite, ics, method)
    message["Content-Class"] = _CLASS  # last: parts added later would take it into themselves
    _fix_boundaries(message, key)
    content = message.as_bytes(policy=_WIDE)
    _compare(message, content)
    return Mail(key, sender.email, to.email, message_id, content)


def _headers(
    invite: Invite, to: Party, sender: Sender, message_id: str
) -> Iterator[tuple[str, str | Address]]:
    yield "From", _address(sender.name, sender.email)
    yield "To", _address(to.name, to.email)
    yield "Subject", one_line(invite.summary)
    yield "Date", format_datetime(invite.stamp.replace(microsecond=0))
    yield "Message-ID", message_id
    yield "References", _identifier(f"event:{invite.uid}", sender)
    yield "Auto-Submitted", "auto-generated"
    yield "X-Auto-Response-Suppress", "OOF, AutoReply"
    yield "X-Careloop-Meeting", one_line(invite.uid)


def _fill(message: EmailMessage, invite: Invite, ics: bytes, method: str) -> None:
    """Words for who reads without a calendar, the object as the last alternative, and as a file."""
    words = list(_words(invite))
    message.set_content("\n\n".join(words) + "\n", cte="quoted-printable")
    message.add_alternative(_page(words), subtype="html", cte="quoted-printable")
    message.add_alternative(
        ics.decode(), subtype="calendar", cte="base64", params={"method": method}
    )
    message.add_attachment(ics, maintype="application", subtype="ics", filename="invite.ics")


def _words(invite: Invite) -> Iterator[str]:
    """What the invite says, and when it is on the clock of the employee, the zone named."""
    zone = ZoneInfo(invite.zone)
    start, end = invite.start.astimezone(zone), invite.end.astimezone(zone)
    said = (invite.comment, invite.summary, f"{start:%Y-%m-%d %H:%M}-{end:%H:%M} ({invite.zone})")
    for text in (*said, *invite.description.split("\n"), invite.url):
        if line := one_line(text):
            yield line


def _page(words: list[str]) -> str:
    rows = "".join(f"<p>{html.escape(each)}</p>\n" for each in words)
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"></head><body>\n{rows}</body></html>\n'
    )


def one_line(text: str) -> str:
    """Words as one line that cannot leave its header: no control signs, no encoded words."""
    shown = "".join(" " if unicodedata.category(c) in _UNSAFE else c for c in text)
    return re.sub(r"=(?=\?)", "= ", " ".join(shown.split()))


_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _address(name: str, address: Email) -> Address:
    local, _, domain = ascii_domain(address).rpartition("@")
    if not local.isascii():
        raise Unsendable(f"{address!r} cannot be invited by mail: give an ASCII address")
    return Address(display_name=one_line(name), username=local, domain=domain)


def _identifier(said: str, sender: Sender) -> str:
    """An id of at most 70 signs that always is the same for the same words."""
    digest = base64.b32encode(hashlib.sha256(said.encode()).digest()[:15]).decode().lower()
    domain = ascii_domain(sender.email).rpartition("@")[2]
    return f"<{digest}@{domain[-(_MOST_ID - len(digest) - 3) :].lstrip('.-')}>"


def _fix_boundaries(message: EmailMessage, key: str) -> None:
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    for number, part in enumerate(message.walk()):
        if isinstance(part, MIMEPart) and part.is_multipart():
            part.set_boundary(f"=_careloop_{digest}_{number}")


def _compare(message: EmailMessage, content: bytes) -> None:
    """Read the bytes back: the header lines are the ones we meant, or nothing is sent."""
    meant = [name.lower() for name in message]
    found = [name.lower() for name in message_from_bytes(content, policy=policy.compat32)]
    if meant != found:
        raise Unsendable(f"header lines {found} instead of {meant}: nothing was sent")
