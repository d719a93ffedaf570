"""A call and what came of it: request, answer, no answer, and what each means for a row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import urllib3
from urllib3.util import Url, parse_url

from daemon.core.ports import Ambiguous, CredentialsRefused, Permanent, Temporary, Trouble

REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "REPORT"})
"""Methods a lost answer of which may simply be asked again (RFC 9110 section 9.2.2)."""

BUSY = frozenset({408, 421, 423, 425, 429, 500, 502, 503, 504, 507, 509})
"""Statuses after which another try may help."""

NOT_BEGUN = frozenset({421, 423, 425, 429})
"""Those of them that promise that nothing was done."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `what` names it in the log; `repeatable` None goes by the method."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    what: str = ""
    repeatable: bool | None = None
    redirects: int = 0
    """How many redirects to follow: on the same scheme, host and port only, and without
    credentials."""

    @property
    def safe_again(self) -> bool:
        """Tell whether a lost answer may be asked for again."""
        by_method = self.method.upper() in REPEATABLE
        return by_method if self.repeatable is None else self.repeatable


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. `pause` is how long it should be left alone, where it is busy."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    pause: timedelta | None = None

    @property
    def ok(self) -> bool:
        """Tell whether it is a success (2xx)."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as UTF-8, undecodable bytes replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Parse the body. Raises `ValueError` where it is not JSON (a login page, a proxy)."""
        return json.loads(self.body)


class NoAnswer(Trouble):
    """No usable answer came; `result` says what that means for the row that was asked for."""

    def __init__(self, result: Temporary | Permanent | Ambiguous) -> None:
        wait = result.retry_after if isinstance(result, Temporary) else None
        super().__init__(result.reason, wait)
        self.result = result


def verdict(answer: Answer, *, repeatable: bool) -> Temporary | Permanent | Ambiguous | None:
    """Tell what an answer means for one row; None: success.

    A server error after a call that is not repeatable is ambiguous: it may have been done.
    """
    if answer.ok:
        return None
    said = f"{host_of(answer.url)} answered {answer.status}"
    if answer.status not in BUSY:
        return Permanent(said)
    if repeatable or answer.status in NOT_BEGUN:
        return Temporary(said, answer.pause)
    return Ambiguous(said)


def demand(answer: Answer, cure: str = "") -> Answer:
    """Return a successful answer. Raises `CredentialsRefused` for 401, else `Trouble`; `cure` is
    what the operator should do about it."""
    if answer.ok:
        return answer
    said = f"{host_of(answer.url)} answered {answer.status}" + (f": {cure}" if cure else "")
    raise (CredentialsRefused if answer.status == 401 else Trouble)(said, answer.pause)


def parts_of(url: str) -> Url:
    """Read a URL with the parser that will also connect: two parsers may see two hosts."""
    try:
        return parse_url(url)
    except urllib3.exceptions.LocationParseError:
        return Url()


def host_of(url: str) -> str:
    """The host of a URL: the only part of it that is fit for a log."""
    return parts_of(url).hostname or "an address without a host"
