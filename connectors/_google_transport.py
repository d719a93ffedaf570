"""Calls to Google on behalf of many people: batched, limited, each with an answer of its own."""

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from googleapiclient.errors import BatchError, HttpError
from googleapiclient.http import BatchHttpRequest, HttpRequest

from connectors._answers import BUSY, NoAnswer
from connectors._google_tokens import Denied, Scopes, Tokens
from connectors._google_wire import Wire, client
from connectors._google_words import MINUTE, Failure, failure
from connectors._http import Http, Limits
from connectors._limits import Allowance, Limiter, retry_after
from daemon.config.google import CALENDAR_HOST, DIRECTORY_HOST, GMAIL_HOST, Google
from daemon.config.secrets import Secret
from daemon.core.domain import Email
from daemon.core.ports import Ambiguous, CredentialsRefused, Permanent, Temporary

ROUNDS = 3
"""How often a throttled or unauthorised part is tried within one call of ours."""
PATIENCE = timedelta(seconds=5)
"""The longest pause waited for inside a call; longer ones are the loop's."""
BUDGET = 60.0
"""Seconds after which nothing more is begun."""

_GARBLED = (BatchError, KeyError, ValueError, IndexError, TypeError, AttributeError)
"""What the client library raises for an answer that is not what was asked for."""

_UNREAD = Temporary("Google's answer could not be read")


@dataclass(frozen=True, slots=True)
class Surface:
    """One of Google's APIs as careloop uses it."""

    name: str
    api: SimpleNamespace
    """Its collections (`events`, `messages`, ...), built once: building is the slow part."""
    batch_uri: str
    batch_size: int
    per_minute: int
    """Calls a minute of one subject."""
    scopes: Scopes


@dataclass(frozen=True, slots=True)
class Call:
    """One request in the name of one subject. `gives`: a name its answer has to have; `writes`: a
    lost answer leaves it ambiguous; `repeatable`: it may be sent again all the same, for it is
    recognised."""

    subject: Email
    request: HttpRequest
    gives: str = ""
    writes: bool = False
    repeatable: bool = True


Reply = Mapping[str, Any] | Failure


class Workspace:
    """One connection for every role: its tokens and its limits are the project's."""

    def __init__(
        self,
        settings: Google,
        key: Callable[[], Secret],
        scopes: Mapping[str, Scopes],
        *,
        http: Http | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare, without any call; `scopes` by the surface's name."""
        self.settings = settings
        self._http = http or Http(
            hosts=settings.hosts(),
            limits=Limits(call=45),
            limiter=Limiter(in_flight=settings.in_flight),
            ca_file=settings.ca_file,
            sleep=sleep,
        )
        self._tokens = Tokens(settings, self._http, key, clock)
        self._scopes = scopes
        self._sleep = sleep
        self.clock = clock
        self._project = Allowance(settings.per_minute, settings.per_minute, clock)
        self._allowances: dict[tuple[str, Email], Allowance] = {}
        self._threads = ThreadPoolExecutor(settings.in_flight, "google")

    def calendar(self) -> Surface:
        """The Calendar API v3."""
        root = self.settings.endpoint or CALENDAR_HOST
        api = client("calendar", "v3", f"{root}/calendar/v3/")
        size, limit = self.settings.batch_size, self.settings.per_user_per_minute
        uri = f"{root}/batch/calendar/v3"
        used = SimpleNamespace(
            events=api.events(), freebusy=api.freebusy(), calendars=api.calendars()
        )
        return Surface("calendar", used, uri, size, limit, self._scopes["calendar"])

    def gmail(self) -> Surface:
        """The Gmail API v1."""
        root = self.settings.endpoint or GMAIL_HOST
        size, limit = self.settings.mail_batch_size, self.settings.mails_per_minute
        api = client("gmail", "v1", f"{root}/")
        used = SimpleNamespace(messages=api.users().messages())
        return Surface("gmail", used, f"{root}/batch", size, limit, self._scopes["gmail"])

    def directory(self) -> Surface:
        """The Admin SDK's Directory API v1."""
        root = self.settings.endpoint or DIRECTORY_HOST
        api = client("admin", "directory_v1", f"{root}/")
        used = SimpleNamespace(users=api.users())
        return Surface("directory", used, f"{root}/batch", 1, 2400, self._scopes["directory"])

    def run(self, surface: Surface, calls: Sequence[Call], *, ours: bool = True) -> list[Reply]:
        """Make every call and return the replies in the same order.

        Parts that Google turned away are tried again, alone, within bounds; nothing else is.
        Raises `CredentialsRefused` when not one call was let in and the reason is ours, except
        where `ours` is False: then everybody may be refused without the connection being broken.
        """
        until = self.clock() + BUDGET
        replies: dict[int, Reply] = {}
        waiting: Sequence[int] = range(len(calls))
        for round_number in range(ROUNDS):
            replies |= self._round(surface, calls, waiting, until)
            waiting = [index for index in waiting if _again(calls[index], replies[index])]
            if not waiting:
                break
            self._rest(round_number, [replies[index] for index in waiting])
        if ours:
            _demand_entry(replies.values())
        return [replies[index] for index in range(len(calls))]

    def _round(
        self, surface: Surface, calls: Sequence[Call], waiting: Sequence[int], until: float
    ) -> dict[int, Reply]:
        replies, admitted = self._admit(surface, calls, waiting)
        chunks = list(_chunks(admitted, surface.batch_size))
        tasks = [
            self._threads.submit(self._send, surface, [calls[index] for index in chunk], until)
            for chunk in chunks
        ]
        for chunk, task in zip(chunks, tasks, strict=True):
            replies |= dict(zip(chunk, task.result(), strict=True))
        for index in admitted:
            if _status(replies[index]) == 401:
                self._tokens.forget(calls[index].subject, surface.scopes)
        return replies

    def _admit(
        self, surface: Surface, calls: Sequence[Call], waiting: Sequence[int]
    ) -> tuple[dict[int, Reply], list[int]]:
        """Give each call its token; refuse the ones beyond a limit or without one."""
        replies: dict[int, Reply] = {}
        admitted: list[int] = []
        subjects = sorted({calls[index].subject for index in waiting})
        fetched = self._threads.map(lambda who: self._tokens.bearer(who, surface.scopes), subjects)
        tokens = dict(zip(subjects, fetched, strict=True))
        for index in waiting:
            call = calls[index]
            obstacle = _no_token(tokens[call.subject]) or self._crowded(surface, call.subject)
            if obstacle:
                replies[index] = obstacle
                continue
            call.request.headers["authorization"] = f"Bearer {tokens[call.subject]}"
            call.request.headers.pop("content-length", None)
            admitted.append(index)
        return replies, admitted

    def _crowded(self, surface: Surface, subject: Email) -> Failure | None:
        limit = surface.per_minute
        own = self._allowances.setdefault(
            (surface.name, subject), Allowance(limit, limit, self.clock)
        )
        for allowance, whose in ((own, subject), (self._project, "the project")):
            if not allowance.take():
                said = f"as many calls a minute as Google allows {whose} ({surface.name})"
                return Failure(Temporary(said, timedelta(seconds=allowance.wait() + 1)))
        return None

    def _send(self, surface: Surface, calls: Sequence[Call], until: float) -> list[Reply]:
        if self.clock() > until:
            late = Failure(Temporary("no time left in this turn", MINUTE))
            return [late] * len(calls)
        wire = Wire(self._http, surface.name, all(call.repeatable for call in calls))
        try:
            if len(calls) == 1:
                return [_read(calls[0], calls[0].request.execute(http=wire, num_retries=0))]
            return _batch(surface.batch_uri, calls, wire)
        except HttpError as error:
            return [_settled(_said(error, call)) for call in calls]
        except NoAnswer as lost:
            return [_lost(lost.result, call) for call in calls]
        except _GARBLED:
            return [_lost(_UNREAD, call) for call in calls]

    def _rest(self, round_number: int, replies: Iterable[Reply]) -> None:
        """Wait as long as Google asked, and a random while more; nothing for a stale token."""
        busy = [reply for reply in replies if _status(reply) != 401]
        if busy:
            asked = max(_asked(reply).total_seconds() for reply in busy)
            self._sleep(asked + random.random() * 2**round_number)  # noqa: S311


def _batch(uri: str, calls: Sequence[Call], wire: Wire) -> list[Reply]:
    """Send the calls as one request, each part with its own subject's token."""
    replies: dict[int, Reply] = {}

    def told(name: str, body: Any, error: HttpError | None) -> None:
        index = int(name)
        replies[index] = _said(error, calls[index]) if error else _read(calls[index], body)

    batch = BatchHttpRequest(callback=told, batch_uri=uri)
    for index, call in enumerate(calls):
        batch.add(call.request, request_id=str(index))
    wire.authorization = {"authorization": calls[0].request.headers["authorization"]}
    with suppress(*_GARBLED):
        batch.execute(http=wire)
    missing = [_lost(_UNREAD, call) for call in calls]
    return [replies.get(index, lost) for index, lost in enumerate(missing)]


def _said(error: HttpError, call: Call) -> Failure:
    """What an error answer means for the call it was the answer to."""
    asked = retry_after(error.resp.get("retry-after"), datetime.now(UTC))
    pause = None if asked is None else timedelta(seconds=min(3600.0, max(1.0, asked)))
    return failure(error.resp.status, error.content, call.subject, pause, writes=call.writes)


def _lost(result: Temporary | Permanent | Ambiguous, call: Call) -> Failure:
    """What a lost answer means: a write may have been done, even where a repeat is safe."""
    if call.writes and isinstance(result, Temporary) and result.retry_after is None:
        return Failure(Ambiguous(result.reason))
    return Failure(result)


def _read(call: Call, body: Any) -> Reply:
    """Take an answer for what it has to be; a login page is none."""
    if not call.gives and not body:
        return {}
    good = isinstance(body, Mapping) and (not call.gives or call.gives in body)
    return body if good else _lost(_UNREAD, call)


def _no_token(token: str | Denied) -> Failure | None:
    return Failure(token.result, whole=token.whole) if isinstance(token, Denied) else None


def _status(reply: Reply) -> int:
    return reply.status if isinstance(reply, Failure) else 200


def _asked(reply: Reply) -> timedelta:
    """The pause a throttled part was told to make; one second where it was told none."""
    wait = None
    if isinstance(reply, Failure) and isinstance(reply.result, Temporary):
        wait = reply.result.retry_after
    return timedelta(seconds=1) if wait is None else wait


def _settled(said: Failure) -> Failure:
    """A busy answer to a whole request: it was tried again already, so it ends here."""
    return replace(said, status=0) if said.status in BUSY else said


def _again(call: Call, reply: Reply) -> bool:
    """Tell whether a part may be tried again within this call: it was not let in, or it is known
    to be recognised when it comes twice."""
    if not isinstance(reply, Failure) or not reply.status:
        return False
    if reply.status == 401:
        return True
    unsure = isinstance(reply.result, Ambiguous) and call.repeatable
    busy = isinstance(reply.result, Temporary) and _asked(reply) <= PATIENCE
    return unsure or busy


def _demand_entry(replies: Collection[Reply]) -> None:
    """Raise `CredentialsRefused` when every call was turned away for a reason that is ours."""
    refused = [reply for reply in replies if isinstance(reply, Failure) and reply.whole]
    if refused and len(refused) == len(replies):
        raise CredentialsRefused(refused[0].result.reason)


def _chunks(indices: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]
