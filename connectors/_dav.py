"""WebDAV's few verbs, spoken as somebody: credentials stay with the hosts the operator named."""

import base64
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from connectors._answers import Answer, NoAnswer, Request, host_of, verdict
from connectors._dav_accounts import Account
from connectors._dav_words import Multistatus, NotDav, multistatus
from connectors._http import Http, Limits
from connectors._limits import Limiter
from daemon.config.caldav import Caldav
from daemon.config.model import Config
from daemon.core.ports import CredentialsRefused, Permanent, Temporary

MOVED = frozenset({301, 302, 303, 307, 308})
HOPS = 4
"""Redirects one question may take."""
SILENCES = 2
"""Lost answers in a row after which a server is left alone."""
REST = 15.0
"""Seconds for which a silent server is left alone."""
T = TypeVar("T")
R = TypeVar("R")
_XML = {"Content-Type": 'application/xml; charset="utf-8"'}


class Dav:
    """Calls to the servers of one configuration."""

    def __init__(self, config: Config, sleep: Callable[[float], None] = time.sleep) -> None:
        """Prepare, without any call."""
        assert config.caldav is not None, "the section [caldav] is checked when the file is read"
        self.settings: Caldav = config.caldav
        limit = self.settings.timeout
        self._http = Http(
            hosts=self.settings.hosts(),
            limits=Limits(connect=min(10, limit), read=limit, call=limit, attempts=2, floor=0.5),
            limiter=Limiter(self.settings.concurrency),
            ca_file=config.at(self.settings.ca_file) if self.settings.ca_file else None,
            public_only=self.settings.public_only,
            sleep=sleep,
        )
        self._silent = _Silence()

    def close(self) -> None:
        """Close every kept connection."""
        self._http.close()

    def each(self, call: Callable[[T], R], items: Sequence[T]) -> list[R | NoAnswer]:
        """Do something for each, several at once; what failed for one is its own result.

        Raises whatever speaks of the whole connection.
        """

        def tried(item: T) -> R | NoAnswer:
            try:
                return call(item)
            except NoAnswer as error:
                return error

        with ThreadPoolExecutor(self.settings.concurrency) as pool:
            return list(pool.map(tried, items))

    # --- verbs ------------------------------------------------------------------------------

    def propfind(self, account: Account, url: str, body: bytes, depth: int = 0) -> Multistatus:
        """Ask for properties. Raises `NoAnswer` also for an answer that is none."""
        return self._entries(account, "PROPFIND", url, body, str(depth))

    def report(self, account: Account, url: str, body: bytes, depth: int = 1) -> Multistatus:
        """Ask a question about a collection. Raises `NoAnswer`."""
        return self._entries(account, "REPORT", url, body, str(depth))

    def ask(
        self,
        account: Account,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        again: bool | None = None,
    ) -> Answer:
        """Make one call and return its answer, whatever its status. `again` False: a server error
        is an answer and not worth another try.

        Raises `CredentialsRefused` where everything depends on them, else `NoAnswer`.
        """
        said = {"Authorization": _basic(account), **(headers or {})}
        for _ in range(HOPS):
            answer = self._once(Request(method, url, said, body, f"caldav {method}", again))
            if answer.status not in MOVED or method not in _READING:
                break
            url = self._next(answer)
        if answer.status == 401:
            raise _refused(account, answer)
        return answer

    def _once(self, request: Request) -> Answer:
        return self._silent.kept(request.url, lambda: self._http.ask(request))

    def _entries(
        self, account: Account, method: str, url: str, body: bytes, depth: str
    ) -> Multistatus:
        answer = self.ask(account, method, url, {"Depth": depth, **_XML}, body, again=None)
        demand(answer, method, url)
        if answer.status != 207:
            raise NoAnswer(Permanent(f"{where(url)}: {method} was answered {answer.status}"))
        try:
            return multistatus(answer.body, answer.url)
        except NotDav as error:
            raise NoAnswer(Permanent(f"{where(url)}: {error}")) from None

    def _next(self, answer: Answer) -> str:
        """Where a redirect leads: a host the operator named, and never from https to http."""
        url = urljoin(answer.url, answer.headers.get("Location", ""))
        here, there = urlsplit(answer.url), urlsplit(url)
        if (there.hostname or "") not in self.settings.hosts():
            said = f"{here.hostname} sends us on to {there.hostname}"
            raise NoAnswer(Permanent(f"{said}; if that is right, name it in allow_hosts"))
        if here.scheme == "https" and there.scheme != "https":
            raise NoAnswer(Permanent(f"{here.hostname} sends us on to an address without TLS"))
        return url


_READING = frozenset({"PROPFIND", "REPORT", "GET", "OPTIONS"})


class _Silence:
    """Which servers do not answer: the others' rows need not wait for every one of theirs."""

    def __init__(self) -> None:
        self._lost: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def kept(self, url: str, call: Callable[[], Answer]) -> Answer:
        """Make a call unless its server is silent. Raises `NoAnswer`."""
        host = urlsplit(url).netloc
        lost, until = self._lost.get(host, (0, 0.0))
        if lost >= SILENCES and time.monotonic() < until:
            said = f"{host_of(url)} does not answer; it is left alone for {REST:.0f} s"
            raise NoAnswer(Temporary(said))
        try:
            answer = call()
        except NoAnswer as error:
            if not isinstance(error.result, Permanent):
                with self._lock:
                    lost, _ = self._lost.get(host, (0, 0.0))
                    self._lost[host] = (lost + 1, time.monotonic() + REST)
            raise
        self._lost.pop(host, None)
        return answer


def demand(answer: Answer, method: str, url: str) -> Answer:
    """Return a successful answer. Raises `NoAnswer` that says what the refusal means."""
    refusal = verdict(answer, repeatable=True)
    if refusal is None:
        return answer
    cure = _CURES.get(answer.status, "")
    said = f"{where(url)}: {method} was answered {answer.status}{cure}"
    if isinstance(refusal, Temporary):
        raise NoAnswer(Temporary(said, refusal.retry_after))
    raise NoAnswer(Permanent(said))


_CURES = {
    403: " (forbidden): give the account rights to this calendar",
    404: " (nothing there): correct the address, or create the calendar",
    405: " (not possible there): is that a calendar?",
    507: " (no room left): make room on the server",
}


def where(url: str) -> str:
    """An address as a message shows it: host and path, nothing that may be secret."""
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"


def _basic(account: Account) -> str:
    pair = f"{account.user}:{account.secret.reveal()}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def _refused(account: Account, answer: Answer) -> Exception:
    said = f"{host_of(answer.url)} does not accept {account.user}: correct {account.source}"
    return CredentialsRefused(said) if account.shared else NoAnswer(Temporary(said))
