"""Calls to Google on behalf of many people: batched, limited, each with an answer of its own."""

import json
import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from googleapiclient.http import HttpRequest

from connectors._answers import BUSY, NoAnswer
from connectors._google_tokens import Denied, Scopes, Tokens
from connectors._google_wire import Part, alone, as_part, client, parts_of, together
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
BUDGET = 30.0
"""Seconds after which nothing more is begun."""

_LATE = Temporary("no time left in this turn", MINUTE)
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
            limits=Limits(call=40),
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
        replies, admitted = self._admit(surface, calls, waiting, until)
        chunks = list(_chunks(admitted, surface.batch_size))
        tasks = [
            self._threads.submit(self._send, surface, [calls[index] for index in chunk], until)
            for chunk in chunks
        ]
        for chunk, task in zip(chunks, tasks, strict=True):
            replies |= dict(zip(chunk, task.result(), strict=True))
        for index in admitted:
            if answered(replies[index], {401}):
                self._tokens.forget(calls[index].subject, surface.scopes)
        return replies

    def _admit(
        self, surface: Surface, calls: Sequence[Call], waiting: Sequence[int], until: float
    ) -> tuple[dict[int, Reply], list[int]]:
        """Give each call its token; refuse the ones beyond a limit or without one."""
        replies: dict[int, Reply] = {}
        admitted: list[int] = []
        subjects = sorted({calls[index].subject for index in waiting})

        def bearer(subject: Email) -> str | Denied:
            late = self.clock() > until
            return Denied(_LATE) if late else self._tokens.bearer(subject, surface.scopes)

        tokens = dict(zip(subjects, self._threads.map(bearer, subjects), strict=True))
        for index in waiting:
            call = calls[index]
            obstacle = _no_token(tokens[call.subject]) or self._crowded(surface, call.subject)
            if obstacle:
                replies[index] = obstacle
                continue
            call.request.headers["authorization"] = f"Bearer {tokens[call.subject]}"
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
            return [Failure(_LATE)] * len(calls)
        asked = [call.request for call in calls]
        again = all(call.repeatable for call in calls)
        what = f"google {surface.name}"
        one = len(calls) == 1
        try:
            answer = self._http.ask(
                alone(asked[0], what, repeatable=again)
                if one
                else together(surface.batch_uri, asked, what, repeatable=again)
            )
        except NoAnswer as lost:
            return [_lost(lost.result, call) for call in calls]
        if one:
            return [_settled(_reply(calls[0], as_part(answer)), BUSY)]
        if not answer.ok:
            told = [_reply(call, as_part(answer)) for call in calls]
            return [_settled(reply, range(402, 600)) for reply in told]
        parts = parts_of(answer)
        return [_reply(call, parts.get(number)) for number, call in enumerate(calls)]

    def _rest(self, round_number: int, replies: Iterable[Reply]) -> None:
        """Wait as long as Google asked, and a random while more; nothing for a stale token."""
        busy = [reply for reply in replies if not answered(reply, {401})]
        if busy:
            asked = max(_asked(reply).total_seconds() for reply in busy)
            self._sleep(asked + random.random() * 2**round_number)  # noqa: S311


def _reply(call: Call, part: Part | None) -> Reply:
    """What an answer, or the lack of one, means for its call."""
    if part is None:
        return _lost(_UNREAD, call)
    if not 200 <= part.status < 300:
        asked = retry_after(part.headers.get("retry-after"), datetime.now(UTC))
        pause = None if asked is None else timedelta(seconds=min(3600.0, max(1.0, asked)))
        return failure(part.status, part.body, call.subject, pause, writes=call.writes)
    if not part.body and not call.gives:
        return {}
    try:
        said = json.loads(part.body)
    except ValueError:
        return _lost(_UNREAD, call)
    good = isinstance(said, Mapping) and (not call.gives or call.gives in said)
    return said if good else _lost(_UNREAD, call)


def _lost(result: Temporary | Permanent | Ambiguous, call: Call) -> Failure:
    """What a lost answer means: a write may have been done, even where a repeat is safe."""
    if call.writes and isinstance(result, Temporary) and result.retry_after is None:
        return Failure(Ambiguous(result.reason))
    return Failure(result)


def answered(reply: Reply, statuses: Collection[int]) -> bool:
    """Tell whether a call failed with one of these statuses."""
    return isinstance(reply, Failure) and reply.status in statuses


def _no_token(token: str | Denied) -> Failure | None:
    return Failure(token.result, whole=token.whole) if isinstance(token, Denied) else None


def _asked(reply: Reply) -> timedelta:
    """The pause a throttled part was told to make; one second where it was told none."""
    wait = None
    if isinstance(reply, Failure) and isinstance(reply.result, Temporary):
        wait = reply.result.retry_after
    return timedelta(seconds=1) if wait is None else wait


def _settled(reply: Reply, final: Collection[int]) -> Reply:
    """Take the status from a failure nothing more may follow from: it was tried again already, or
    it speaks of a batch and not of its parts."""
    ends = isinstance(reply, Failure) and reply.status in final
    return replace(reply, status=0) if isinstance(reply, Failure) and ends else reply


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
