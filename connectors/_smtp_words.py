"""SMTP replies and addresses: what a code means for one mail, and how an address is written."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from daemon.core.domain import Mail
from daemon.core.ports import Permanent, Temporary

GREYLISTED = frozenset({450, 451})
GREY_PAUSE = timedelta(minutes=10)
"""A greylisting server wants to be asked again after 5 to 15 minutes."""
AUTHENTICATION = frozenset({530, 534, 535, 538})
"""The server does not know who we are, or not well enough (RFC 4954 section 6)."""
CLOSING = 421
_MOST_WORDS = 200
_MOST_ENVELOPE_ID = 100
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_QUEUED = re.compile(r"queued as ([A-Za-z0-9.-]{1,64})", re.IGNORECASE)


class Unsendable(Exception):
    """A mail no server would take; the message says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said to one command."""

    code: int
    text: bytes

    @property
    def ok(self) -> bool:
        """Tell whether it said yes (2xx)."""
        return 200 <= self.code < 300

    def __str__(self) -> str:
        """The code and the server's words, fit for a log: one line, no control characters."""
        text = self.text.decode("utf-8", "replace")
        shown = "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text)
        return f"{self.code} {' '.join(shown.split())[:_MOST_WORDS]}".strip()

    @property
    def queued_as(self) -> str:
        """The server's own name of a mail it took; empty where it tells none."""
        found = _QUEUED.search(str(self))
        return found[1] if found else ""


def refusal(said: str, reply: Reply) -> Temporary | Permanent:
    """What a reply that is no yes means for one mail: 5xx is final, all else may pass."""
    reason = f"{said} ({reply})"
    if 500 <= reply.code < 600:
        return Permanent(reason)
    return Temporary(reason, GREY_PAUSE if reply.code in GREYLISTED else None)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Sender and recipient as SMTP wants them, and whether they need SMTPUTF8 (RFC 6531)."""

    sender: str
    to: str
    utf8: bool


def envelope(mail: Mail, return_path: str) -> Envelope:
    """Address a mail. Raises `Unsendable`."""
    sender, to = ascii_domain(return_path or mail.sender), ascii_domain(mail.to)
    return Envelope(sender, to, not (sender + to).isascii())


def ascii_domain(text: str) -> str:
    """An address with its domain in ASCII (IDNA, ß kept apart). Raises `Unsendable`."""
    local, at, domain = text.rpartition("@")
    labels = [_label(label) for label in unicodedata.normalize("NFKC", domain).lower().split(".")]
    fit = all(_LABEL.fullmatch(label) for label in labels)
    if not at or not _LOCAL.fullmatch(local) or not fit:
        raise Unsendable(f"{text!r} is not an address one can write to: correct it on the roster")
    return f"{local}@{'.'.join(labels)}"


def _label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode()


def checked(content: bytes) -> bytes:
    """The content if it is a finished mail. Raises `Unsendable` for bare line ends, behind which
    another mail could hide, and for lines no server has to take (RFC 5321 section 4.5.3.1.6)."""
    if b"\n" in content.replace(b"\r\n", b"") or b"\r" in content.replace(b"\r\n", b""):
        raise Unsendable("the mail has bare line ends; nothing was sent")
    if max(map(len, content.split(b"\r\n"))) > 998:
        raise Unsendable("the mail has a line of more than 998 bytes; nothing was sent")
    return content


def envelope_id(mail: Mail) -> str:
    """The name a delivery report gives back (RFC 3461 section 4.4): the key, if it fits."""
    written = xtext(mail.key)
    if len(written) <= _MOST_ENVELOPE_ID:
        return written
    return hashlib.sha256(mail.key.encode()).hexdigest()


def xtext(text: str) -> str:
    """Printable ASCII as a parameter takes it (RFC 3461 section 4)."""
    return "".join(
        chr(byte) if 33 <= byte <= 126 and byte not in b"+=" else f"+{byte:02X}"
        for byte in text.encode()
    )
