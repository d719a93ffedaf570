"""Whether our own mail server vouches for a sender (Authentication-Results, RFC 8601)."""

import re
from email.message import Message

from daemon.core.domain import Email

_COMMENT = re.compile(r"\([^()]*\)")
_PASSED = re.compile(r"\s*(dmarc|dkim|spf)\s*=\s*pass\b(.*)", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"\b(header\.from|header\.d|header\.i|smtp\.mailfrom)\s*=\s*\"?([^\s;\"]+)")
_SPEAKS = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}


def vouched(message: "Message[str, str]", sender: Email, authserv_id: str) -> bool:
    """Tell whether the topmost result of `authserv_id` passes the domain of the From line.

    The server has to take lines in its own name out of what comes in (section 5): a sender can
    write them too.
    """
    domain = sender.rpartition("@")[2]
    for value in message.get_all("Authentication-Results") or []:
        name, _, results = _COMMENT.sub(" ", str(value)).partition(";")
        if name.split()[:1] == [authserv_id]:
            return bool(domain) and any(_passes(each, domain) for each in results.split(";"))
    return False


def _passes(result: str, domain: str) -> bool:
    found = _PASSED.match(result)
    if found is None:
        return False
    wanted = _SPEAKS[found[1].lower()]
    said = [value for name, value in _PROPERTY.findall(found[2].lower()) if name in wanted]
    return any(_aligned(value.rpartition("@")[2], domain) for value in said)


def _aligned(signed: str, domain: str) -> bool:
    """The same domain, or one above it (relaxed alignment, RFC 7489 section 3.1)."""
    above = "." in signed and domain.endswith(f".{signed}")
    return bool(signed) and (signed == domain or above)
