"""HTTP as every connector speaks it: bounded in time and memory, polite, and plain in its answers.

One `Http` per provider. `ask` returns the `Answer`, whatever its status, or raises `NoAnswer`;
`verdict` says what an answer means for one row, `demand` what it means for the connection.
"""

import random
import threading
import time
import weakref
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urljoin

import requests
import structlog
import tenacity
import urllib3

from connectors._answers import (
    BUSY,
    NOT_BEGUN,
    Answer,
    NoAnswer,
    Request,
    demand,
    host_of,
    parts_of,
    verdict,
)
from connectors._leash import AddressRefused, Leash, LeashedAdapter
from connectors._limits import Crowded, Limiter, retry_after
from daemon.core.ports import Ambiguous, Permanent, Temporary

__all__ = ["Answer", "Http", "Limits", "NoAnswer", "Request", "demand", "verdict"]

_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])
_LOG = structlog.get_logger("http")
_REQUEST_IDS = ("request-id", "x-request-id", "x-goog-request-id", "x-guploader-uploadid")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may cost. Times in seconds, sizes in bytes."""

    connect: float = 10
    read: float = 30
    call: float = 60
    """The whole call: waiting for a place, every attempt, the last byte."""
    size: int = 16 * 2**20
    """The largest body we take, counted after decompression."""
    attempts: int = 3
    floor: float = 1
    """No pause is shorter, whatever Retry-After says."""
    ceiling: float = 3600
    """No pause is longer, whatever Retry-After says."""


class Http:
    """Calls to one provider: a session per thread, one limiter for all of them."""

    def __init__(
        self,
        *,
        hosts: Collection[str] = (),
        limits: Limits | None = None,
        limiter: Limiter | None = None,
        ca_file: Path | None = None,
        plain_credentials: bool = False,
        public_only: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare, without any call.

        `hosts`: the only ones we may speak to (empty: any). `ca_file`: a PEM file to trust
        instead of the system's authorities. `plain_credentials`: allow an Authorization header
        over http beyond loopback. `public_only`: refuse addresses of private networks (for URLs
        that other people gave us); has no say when a proxy is in use.
        """
        self.limits = limits or Limits()
        self.limiter = limiter or Limiter()
        self._hosts = frozenset(host.lower() for host in hosts)
        self._verify: str | bool = str(ca_file) if ca_file else True
        self._plain_credentials = plain_credentials
        self._public_only = public_only
        self._sleep = sleep
        self._local = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()

    def ask(self, request: Request) -> Answer:
        """Make one call and return the answer, whatever its status.

        Busy answers and lost ones are tried again within `limits.call`, where that is safe: lost
        ones only if the request is repeatable. Raises `NoAnswer`.
        """
        until = time.monotonic() + self.limits.call
        answer = self._persist(request, until)
        for _ in range(request.redirects):
            if not (request.safe_again and _leads_on(answer)):
                break
            request = _redirected(request, answer)
            answer = self._persist(request, until)
        return answer

    def close(self) -> None:
        """Close every kept connection."""
        for session in list(self._sessions):
            session.close()

    def _persist(self, request: Request, until: float) -> Answer:
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda outcome: _worth_another(request, outcome)),
            wait=lambda state: self._pause(state.attempt_number, state.outcome),
            stop=tenacity.stop_after_attempt(self.limits.attempts)
            | tenacity.stop_before_delay(max(0.0, until - time.monotonic())),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
            sleep=self._sleep,
        )
        outcome: Answer | NoAnswer = tries(self._attempt, request, until)
        if isinstance(outcome, NoAnswer):
            raise outcome
        return outcome

    def _pause(self, attempt: int, outcome: tenacity.Future | None) -> float:
        """Full jitter over a doubling span, on top of what the other side asked for."""
        asked = outcome.result().pause if outcome and isinstance(outcome.result(), Answer) else None
        spread = random.random() * self.limits.floor * float(2**attempt)  # noqa: S311
        return (asked.total_seconds() if asked else 0.0) + spread

    def _attempt(self, request: Request, until: float) -> Answer | NoAnswer:
        began = time.monotonic()
        try:
            with self.limiter.place(max(0.0, until - began)):
                outcome = self._call(request, until)
        except Crowded as crowded:
            wait = timedelta(seconds=crowded.wait)
            outcome = NoAnswer(Temporary(f"{host_of(request.url)}: {crowded}", wait))
        _note(request, outcome, time.monotonic() - began)
        return outcome

    def _call(self, request: Request, until: float) -> Answer | NoAnswer:
        refused = self._refusal(request)
        if refused:
            return NoAnswer(Permanent(refused))
        leash = Leash(until - time.monotonic(), public_only=self._public_only)
        try:
            with leash:
                answer = self._exchange(request, leash)
        except _FAILURES as error:
            return NoAnswer(_lost(request, leash, error, self.limits))
        if answer.status in BUSY:
            return replace(answer, pause=self._hold(answer))
        return answer

    def _exchange(self, request: Request, leash: Leash) -> Answer:
        with self._session().request(
            request.method,
            request.url,
            headers=_headers(request),
            data=request.body,
            timeout=(leash.within(self.limits.connect), leash.within(self.limits.read)),
            verify=self._verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = _body(response, self.limits.size)
            if leash.cut:
                raise _Late
            return Answer(response.status_code, response.headers, body, response.url)

    def _hold(self, answer: Answer) -> timedelta | None:
        """Pause everybody for what the other side asked, within our own bounds."""
        asked = retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
        if asked is None and answer.status not in (429, 503):
            return None
        seconds = min(self.limits.ceiling, max(self.limits.floor, asked or 0))
        self.limiter.pause(seconds)
        return timedelta(seconds=seconds)

    def _refusal(self, request: Request) -> str:
        """Why this call must not be made at all; empty: it may."""
        parts = parts_of(request.url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("http", "https") or not host:
            return "that is not a web address (http or https)"
        if self._hosts and host not in self._hosts:
            return f"{host} is not one of the hosts named in the configuration"
        secret = parts.auth or any(name.lower() in _SECRETS for name in request.headers)
        if secret and parts.scheme == "http" and not (self._plain_credentials or _loopback(host)):
            return f"{host}: credentials are not sent without TLS; use https"
        return ""

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = _new_session()
            self._local.session = session
            self._sessions.add(session)
        return session


class _Late(Exception):
    """The leash was cut while the body came in."""


class _TooLarge(Exception):
    """The body is larger than we take."""


_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, _Late, _TooLarge)


def _worth_another(request: Request, outcome: object) -> bool:
    if isinstance(outcome, NoAnswer):
        return isinstance(outcome.result, Temporary) and outcome.retry_after is None
    assert isinstance(outcome, Answer)
    safe = request.safe_again or outcome.status in NOT_BEGUN
    return outcome.status in BUSY and safe


def _lost(
    request: Request, leash: Leash, error: Exception, limits: Limits
) -> Temporary | Permanent | Ambiguous:
    """Say what a call without a usable answer means for its row."""
    said = f"{host_of(request.url)}: {_words(error, leash, limits)}"
    if _hopeless(error) and not leash.sent:
        return Permanent(said)
    if leash.sent and not request.safe_again:
        return Ambiguous(said)
    return Permanent(said) if isinstance(error, _TooLarge) else Temporary(said)


def _hopeless(error: Exception) -> bool:
    wrong = (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, AddressRefused)
    return isinstance(error, wrong) or _caused_by(error, AddressRefused)


def _words(error: Exception, leash: Leash, limits: Limits) -> str:
    """Name what went wrong without quoting a URL, which may hold a secret."""
    if leash.cut:
        return f"no whole answer within {limits.call:.0f} s"
    if isinstance(error, _TooLarge):
        return f"the answer is larger than {limits.size} bytes"
    if isinstance(error, requests.exceptions.SSLError):
        return "the TLS certificate was not accepted (name an authority with ca_file?)"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy could not be used"
    if _caused_by(error, AddressRefused):
        return "the address is inside a private network"
    if isinstance(error, requests.Timeout):
        return "no answer in time" if leash.sent else "no connection in time"
    return "the answer broke off" if leash.sent else "no connection"


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind) or any(isinstance(arg, kind) for arg in error.args):
            return True
        error = error.__cause__ or error.__context__
    return False


def _body(response: requests.Response, size: int) -> bytes:
    body = bytearray()
    for chunk in response.raw.stream(2**16, decode_content=True):
        body += chunk
        if len(body) > size:
            response.raw.close()
            raise _TooLarge
    return bytes(body)


def _headers(request: Request) -> dict[str, str | bytes]:
    return {"User-Agent": "careloop", "Accept-Encoding": "gzip, deflate", **request.headers}


def _leads_on(answer: Answer) -> bool:
    return answer.status in (301, 302, 303, 307, 308) and "Location" in answer.headers


def _redirected(request: Request, answer: Answer) -> Request:
    """The same request at its new place, without credentials. Raises `NoAnswer` for another
    host."""
    url = urljoin(answer.url, answer.headers["Location"])
    if _origin(url) != _origin(answer.url):
        said = f"{host_of(answer.url)} sends us on to {host_of(url)}; name that address instead"
        raise NoAnswer(Permanent(said))
    clean = parts_of(url)._replace(auth=None).url
    kept = {name: said for name, said in request.headers.items() if name.lower() not in _SECRETS}
    return replace(request, url=clean, headers=kept)


_SECRETS = frozenset({"authorization", "cookie", "proxy-authorization"})


def _origin(url: str) -> tuple[str | None, str | None, int | None]:
    parts = parts_of(url)
    standard = {"http": 80, "https": 443}.get(parts.scheme or "")
    return parts.scheme, parts.hostname, parts.port or standard


def _loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _new_session() -> requests.Session:
    session = requests.Session()
    session.auth = lambda prepared: prepared  # a ~/.netrc must not add credentials of its own
    session.cookies.set_policy(_NO_COOKIES)
    session.mount("http://", LeashedAdapter(pool_connections=4, pool_maxsize=2))
    session.mount("https://", LeashedAdapter(pool_connections=4, pool_maxsize=2))
    return session


def _note(request: Request, outcome: Answer | NoAnswer, seconds: float) -> None:
    """One line per attempt: no path, query, header or body, since they may hold secrets."""
    facts: dict[str, object] = {
        "what": request.what or request.method,
        "host": host_of(request.url),
        "seconds": round(seconds, 3),
    }
    if isinstance(outcome, NoAnswer):
        _LOG.warning("no answer", reason=outcome.reason, **facts)
        return
    ids = (outcome.headers.get(name) for name in _REQUEST_IDS)
    facts |= {"status": outcome.status, "request_id": next(filter(None, ids), None)}
    (_LOG.debug if outcome.status < 400 else _LOG.info)("answered", **facts)
