"""Names, addresses and header words that cannot carry anything but themselves."""

import re
import unicodedata
from email.headerregistry import Address

from daemon.core.domain import Email

SUBJECT_CHARACTERS = 60
LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")

JOINERS = "\u200c\u200d"
"""Part of words in some scripts and of many emoji."""
INVISIBLE = {"Cf", "Cs", "Co", "Cn"}
UNSAFE = INVISIBLE | {"Cc", "Zl", "Zp"}

TITLES = {"PhD", "MBA", "MD", "MSc", "Jr", "Sr", "II", "III", "IV", "Esq"}
SUFFIXES = TITLES | {title.upper() for title in TITLES}
"""What follows a name after a comma; in no other case, for `Md` is a first name."""


class Undeliverable(ValueError):
    """A letter that no mail system would take; the message names the address and the cure."""


def clean(text: str) -> str:
    """One line without control, direction or line characters and without encoded words
    (RFC 2047): older mail libraries decode those back into header lines (CVE-2024-6923)."""
    shown = "".join(" " if unicodedata.category(c) in UNSAFE else c for c in text)
    line = " ".join(shown.split())
    return re.sub(r"=(?=\?)", "= ", line)


def plain(text: str) -> str:
    """A text of several lines without control and direction characters."""
    lines = text.replace("\r\n", "\n").splitlines()
    shown = (" ".join(_visible(line).split()) for line in lines)
    return "\n".join(line for line in shown if line)


def _visible(line: str) -> str:
    kinds = ((c, unicodedata.category(c)) for c in line)
    return "".join(
        " " if kind == "Cc" else c for c, kind in kinds if kind not in INVISIBLE or c in JOINERS
    )


def shortened(text: str, most: int = SUBJECT_CHARACTERS) -> str:
    """The text, cut at a word where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    whole = cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut
    return whole.rstrip(" ,;:.") + "…"


def first_name(name: str) -> str:
    """What somebody is called: `Ana` of `Ana Lima`, `Lima, Ana`, `Dr. Ana Lima, PhD`."""
    parts = [part.strip() for part in name.split(",") if part.strip() and not _is_suffix(part)]
    given = parts[1] if len(parts) > 1 else "".join(parts) or name.strip()
    words = [word for word in given.split() if not word.endswith(".")]
    return words[0] if words else given


def _is_suffix(part: str) -> bool:
    return all(word.replace(".", "") in SUFFIXES for word in part.split())


def address(name: str, email: Email | str) -> Address:
    """A mail address for a header, the domain in ASCII (IDNA). Raises `Undeliverable`."""
    local, at, domain = email.rpartition("@")
    plain = ascii_domain(domain)
    if not at or not LOCAL_PART.fullmatch(local) or not plain:
        raise Undeliverable(f"{email!r} cannot be written to: give an ASCII address")
    return Address(display_name=clean(name), username=local, domain=plain)


def ascii_domain(domain: str) -> str:
    """The domain as DNS knows it (RFC 5891, ß kept apart); empty when it is none."""
    labels = [_label(label) for label in unicodedata.normalize("NFKC", domain).lower().split(".")]
    fit = all(LABEL.fullmatch(label) for label in labels) and len(".".join(labels)) <= 253
    return ".".join(labels) if fit else ""


def _label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode()
