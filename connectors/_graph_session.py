"""Microsoft Graph as the other files here speak to it: calls, pages and batches of twenty.

A batch is one request whose parts succeed and fail one by one (Graph, JSON batching). Parts that
were throttled are tried again; what may have been done is never sent a second time.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from connectors._graph_parts import (
    Outcome,
    Pack,
    Part,
    Rounds,
    Said,
    Skipped,
    content,
    lost,
    read_batch,
)
from connectors._graph_tokens import Tokens
from connectors._graph_words import meaning
from connectors._http import Answer, Http, Limits, NoAnswer, Request, verdict
from connectors._limits import Limiter
from daemon.config.microsoft import Microsoft
from daemon.core.domain import Email
from daemon.core.ports import Ambiguous, CredentialsRefused, Temporary, Trouble

PATIENCE = 60.0
"""Seconds after which a batch of any size is not tried again: a claim lasts five minutes."""
_MOST_PAGES = 10_000
_LARGEST = 48 * 2**20
"""Bytes of one answer: a hundred full calendars over two months."""


class Refused(Trouble):
    """Graph refused a call the whole connection depends on."""

    def __init__(self, said: Said, what: str) -> None:
        super().__init__(meaning(said.status, said.body, what).reason)
        self.said = said


class Graph:
    """The connection to one tenant, shared by calendar, mail and directory."""

    def __init__(
        self,
        settings: Microsoft,
        root: Path,
        *,
        http: Http | None = None,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare, without any call. `root` is where the paths of the settings start."""
        self.settings = settings
        self._http = http or _http(settings, root)
        self._tokens = Tokens(settings, root, self._http)
        self._patience = patience
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(settings.in_flight, "graph")
        self._ids: Mapping[str, str] = {}

    def know(self, ids: Mapping[Email, str]) -> None:
        """Learn the object ids of addresses: Graph finds a mailbox by its id or sign-in name,
        and that name may differ from the address."""
        self._ids = {quote(address, safe="@"): name for address, name in ids.items()}

    def somebody(self) -> Email | None:
        """Anybody whose mailbox there is; None before the directory was read."""
        return next((Email(unquote(address)) for address in self._ids), None)

    def sign_in(self) -> None:
        """Fetch a token, where there is none yet. Raises `CredentialsRefused` or `Trouble`."""
        self._tokens.bearer()

    def ask(self, part: Part, what: str) -> Said:
        """Make one call. Raises `NoAnswer` where no definite answer came, `CredentialsRefused`
        where Graph does not accept our token."""
        body = part.body.encode() if isinstance(part.body, str) else _json(part.body)
        answer = self._send(part, body, what)
        busy = verdict(answer, repeatable=part.repeatable)
        if isinstance(busy, Temporary | Ambiguous):
            raise NoAnswer(busy)
        return Said(answer.status, _read(answer))

    def pages(self, url: str, what: str) -> list[Mapping[str, Any]]:
        """Read a list to its last page. Raises `Refused`, or `Trouble` where it never ends."""
        pages: list[Mapping[str, Any]] = []
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= _MOST_PAGES:
                raise Trouble(f"Microsoft's list of {what} does not end")
            seen.add(url)
            said = self.ask(Part("GET", url), what)
            if not said.ok or not isinstance(said.body, Mapping):
                raise Refused(said, what)
            pages.append(said.body)
            url = str(said.body.get("@odata.nextLink") or "")
        return pages

    def batch(self, parts: Sequence[Part], what: str) -> list[Outcome]:
        """Make many calls, twenty a request; return an outcome for each, in their order.

        Raises `Trouble` only where nothing at all was reached and nothing can have been done.
        """
        rounds = Rounds(parts)
        until = time.monotonic() + self._patience
        while rounds.open and not rounds.weary:
            packs = rounds.packs()
            came = list(self._pool.map(lambda pack: self._pack(parts, pack, what), packs))
            if rounds.fresh:
                _demand_some(came)
            for pack, outcomes in zip(packs, came, strict=True):
                rounds.take(pack, _each(parts, pack, outcomes))
            pause = rounds.pause()
            if time.monotonic() + pause > until:
                break
            if pause:
                self._sleep(pause)
        return rounds.outcomes()

    def close(self) -> None:
        """Let the threads and the kept connections go."""
        self._pool.shutdown()
        self._http.close()

    def _pack(
        self, parts: Sequence[Part], pack: Pack, what: str
    ) -> list[Outcome | Skipped] | Trouble:
        again = all(parts[place].repeatable for place in pack.places)
        outer = Part("POST", "/$batch", repeatable=again, headers=_TYPED)
        try:
            answer = self._send(outer, _json(content(parts, pack, self._named)), what)
        except Trouble as trouble:
            return trouble
        failed = verdict(answer, repeatable=again)
        if failed:
            return NoAnswer(failed)
        return read_batch(parts, pack, _read(answer))

    def _send(self, part: Part, body: bytes | None, what: str) -> Answer:
        """Send with our token; with a new one where Graph no longer takes the old."""
        answer = self._once(part, body, what)
        if answer.status != 401:
            return answer
        self._tokens.forget()
        answer = self._once(part, body, what)
        if answer.status == 401:
            raise CredentialsRefused(
                "Microsoft does not accept our token: check tenant, graph_url and scope"
            )
        return answer

    def _once(self, part: Part, body: bytes | None, what: str) -> Answer:
        whole = part.url.startswith(("https://", "http://"))
        headers = {
            "Authorization": f"Bearer {self._tokens.bearer()}",
            "client-request-id": str(uuid.uuid4()),
            "return-client-request-id": "true",
            **part.all_headers,
        }
        url = part.url if whole else self.settings.graph_url + self._named(part.url)
        return self._http.ask(
            Request(part.method, url, headers, body, f"microsoft {what}", part.repeatable)
        )

    def _named(self, url: str) -> str:
        """The same address with the owner's object id, where we know it."""
        owner, _, rest = url.removeprefix("/users/").partition("/")
        known = self._ids.get(owner) if url.startswith("/users/") else None
        return f"/users/{known}/{rest}" if known else url


_TYPED = {"Content-Type": "application/json"}


@lru_cache(maxsize=4)  # one app, one token and one limiter for calendar, mail and directory
def shared(settings: Microsoft, root: Path) -> Graph:
    """The one connection of this process to a tenant."""
    return Graph(settings, root)


def _http(settings: Microsoft, root: Path) -> Http:
    return Http(
        hosts=settings.hosts(),
        limits=Limits(read=55, size=_LARGEST),
        limiter=Limiter(settings.in_flight),
        ca_file=root / settings.ca_file if settings.ca_file else None,
    )


def _demand_some(came: Sequence[list[Outcome | Skipped] | Trouble]) -> None:
    """Raise where every batch of a round failed in a way that did nothing."""
    failed = [one for one in came if isinstance(one, Trouble)]
    if len(failed) == len(came) and not any(_may_be_done(one) for one in failed):
        raise failed[0]


def _may_be_done(trouble: Trouble) -> bool:
    return isinstance(trouble, NoAnswer) and isinstance(trouble.result, Ambiguous)


def _each(
    parts: Sequence[Part], pack: Pack, came: list[Outcome | Skipped] | Trouble
) -> list[Outcome | Skipped]:
    """The outcomes of a batch; of one that failed as a whole, the same for every part."""
    if not isinstance(came, Trouble):
        return came
    refused = Temporary(came.reason, came.retry_after)
    result = came.result if isinstance(came, NoAnswer) else refused
    return [lost(parts[place], result) for place in pack.places]


def _json(body: Mapping[str, Any] | None) -> bytes | None:
    return None if body is None else json.dumps(dict(body), ensure_ascii=False).encode()


def _read(answer: Answer) -> Any:
    """The body of an answer; None where it is empty or no JSON (a proxy's page)."""
    try:
        return answer.json() if answer.body else None
    except ValueError:
        return None
