"""The bytes of a letter: headers, text, HTML and attachment as one RFC 5322 message."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime

from daemon.core.domain import Email, LetterKind, Mail
from daemon.letters.facts import Facts
from daemon.letters.names import address, clean, shortened

ID_CHARACTERS = 70
"""A longer id would be torn apart by Python's header folding, and threading with it."""
WIDE = policy.SMTP.clone(max_line_length=998)
THREADED = set(LetterKind) - {LetterKind.HELPER, LetterKind.SIGN_IN}
REMINDERS = {LetterKind.NUDGE, LetterKind.RECORD, LetterKind.OVERDUE}
"""Letters a reader may switch off (RFC 8058)."""


@dataclass(frozen=True, slots=True)
class Words:
    """A rendered letter."""

    subject: str
    text: str
    html: str
    tasks: bytes | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom letters come from: a person may read the name, replies go to the other person."""

    email: Email
    name: str

    @property
    def domain(self) -> str:
        """The domain in ASCII, for Message-IDs."""
        return address("", self.email).domain


def mail(facts: Facts, words: Words, sender: Sender, unsubscribe: str = "") -> Mail:
    """Put one letter together. Equal facts and words give equal bytes.
    Raises `Undeliverable` for an address no mail system would take."""
    message = EmailMessage(policy=policy.SMTP)
    message_id = identifier(facts.letter.key, sender.domain)
    for name, value in _headers(facts, words, sender, message_id, unsubscribe):
        message[name] = value
    _fill(message, words)
    _fix_boundaries(message, facts.letter.key)
    content = message.as_bytes(policy=WIDE)
    _compare(message, content)
    return Mail(facts.letter.key, sender.email, facts.to.email, message_id, content)


def identifier(said: str, domain: str) -> str:
    """A Message-ID of at most 70 characters that always is the same for the same words."""
    digest = base64.b32encode(hashlib.sha256(said.encode()).digest()[:15]).decode().lower()
    labels = domain.split(".")
    while len(f"<{digest}@{'.'.join(labels)}>") > ID_CHARACTERS and len(labels) > 1:
        labels = labels[1:]
    return f"<{digest}@{'.'.join(labels)[-43:]}>"


def _headers(
    facts: Facts, words: Words, sender: Sender, message_id: str, unsubscribe: str
) -> Iterable[tuple[str, str | Address]]:
    letter = facts.letter
    yield "From", address(sender.name, sender.email)
    yield "To", address(facts.to.name, facts.to.email)
    if other := _other(facts):
        yield "Reply-To", other
    yield "Subject", shortened(clean(words.subject))
    yield "Date", format_datetime(facts.now.replace(microsecond=0))
    yield "Message-ID", message_id
    if letter.kind in THREADED and facts.manager:
        root = identifier(f"pair:{facts.employee.email}:{facts.manager.email}", sender.domain)
        yield "In-Reply-To", root
        yield "References", root
    yield "Auto-Submitted", "auto-generated"
    yield "X-Auto-Response-Suppress", "All"
    yield "X-Careloop-Letter", str(letter.kind)
    if letter.uid:
        yield "X-Careloop-Meeting", clean(letter.uid)
    if unsubscribe and letter.kind in REMINDERS:
        yield "List-Unsubscribe", f"<{clean(unsubscribe)}>"
        if unsubscribe.startswith("https://"):
            yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def _other(facts: Facts) -> Address | None:
    """The person an answer should reach: never the machine, never the reader."""
    if facts.letter.kind is LetterKind.SIGN_IN:
        return None
    both = [facts.employee, *([facts.manager] if facts.manager else [])]
    others = [person for person in both if person.email != facts.to.email]
    return address(others[0].name, others[0].email) if others else None


def _fill(message: EmailMessage, words: Words) -> None:
    """Text first, HTML second, the file beside them."""
    message.set_content(words.text, cte="quoted-printable")
    message.add_alternative(words.html, subtype="html", cte="quoted-printable")
    if words.tasks is not None:
        message.add_attachment(
            words.tasks,
            maintype="text",
            subtype="calendar",
            filename="actions.ics",
            params={"charset": "utf-8"},
        )


def _fix_boundaries(message: EmailMessage, key: str) -> None:
    """Boundaries are drawn at random otherwise, and no two attempts would be alike."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    for number, part in enumerate(message.walk()):
        if isinstance(part, MIMEPart) and part.is_multipart():
            part.set_boundary(f"=_careloop_{digest}_{number}")


def _compare(message: EmailMessage, content: bytes) -> None:
    """Read the bytes back: the header lines are the ones we meant, or the letter is not sent."""
    meant = [name.lower() for name in message]
    found = [name.lower() for name in message_from_bytes(content, policy=policy.compat32)]
    if meant != found:
        raise ValueError(f"header lines {found} instead of {meant}: nothing was sent")
