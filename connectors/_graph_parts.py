"""The parts of a Graph batch: what is asked, what came of it, and what is tried once more."""

import base64
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from connectors._limits import retry_after
from daemon.core.ports import Ambiguous, Permanent, Temporary

AT_ONCE = 20
"""The most parts one batch holds (Graph, JSON batching)."""
PER_MAILBOX = 4
"""The most calls one mailbox takes at once (Graph, Outlook service limits)."""
TRIES = 3
ROUNDS = 60
FLOOR = 1.0
CEILING = 3600.0
PREFER = 'IdType="ImmutableId", outlook.timezone="UTC"'
"""Ids that survive a move between folders, times in UTC."""

_BUSY = frozenset({408, 500, 502, 503, 504, 509})


@dataclass(frozen=True, slots=True)
class Part:
    """One call. `url` starts after the version; a body of text is sent as text/plain."""

    method: str
    url: str
    body: Mapping[str, Any] | str | None = None
    mailbox: str = ""
    """Whose mailbox it touches: many calls to one mailbox are made one after the other."""
    repeatable: bool = True
    """A lost answer may simply be asked for again."""
    headers: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    """How many of a batch's places it takes: more where question or answer is large."""

    @property
    def all_headers(self) -> dict[str, str]:
        """What goes with it, alone or in a batch."""
        kind = "text/plain" if isinstance(self.body, str) else "application/json"
        typed = {} if self.body is None else {"Content-Type": kind}
        return {"Prefer": PREFER, **typed, **self.headers}


@dataclass(frozen=True, slots=True)
class Said:
    """A definite answer to one call: a success, or an error that will not pass by itself."""

    status: int
    body: Any = None

    @property
    def ok(self) -> bool:
        """Tell whether it is a success (2xx)."""
        return 200 <= self.status < 300


class Skipped(Enum):
    """Not run at all, because the part before it failed (424)."""

    SKIPPED = "skipped"


SKIPPED = Skipped.SKIPPED
Outcome = Said | Temporary | Permanent | Ambiguous


@dataclass(frozen=True, slots=True)
class Pack:
    """What goes into one batch: places in the whole list. `serial`: one after the other."""

    places: tuple[int, ...]
    serial: bool = False


class Rounds:
    """The state of many parts over several batches."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self._done: dict[int, Outcome] = {}
        self._last: dict[int, Temporary] = {}
        self._tries: Counter[int] = Counter()
        self._round = 0

    @property
    def open(self) -> list[int]:
        """The places that still want an outcome."""
        return [place for place in range(len(self.parts)) if place not in self._done]

    def packs(self) -> list[Pack]:
        """Fill the batches of the next round: a mailbox with many parts gets its own, in which
        each part waits for the one before (a batch is fully serial or fully parallel)."""
        self._round += 1
        by_mailbox: dict[str, list[int]] = defaultdict(list)
        for place in self.open:
            by_mailbox[self.parts[place].mailbox].append(place)
        packs, rest = [], []
        for mailbox, places in by_mailbox.items():
            if mailbox and len(places) > PER_MAILBOX:
                packs += [Pack(some, serial=True) for some in self._chunks(places)]
            else:
                rest += places
        return packs + [Pack(some) for some in self._chunks(sorted(rest))]

    def _chunks(self, places: Iterable[int]) -> list[tuple[int, ...]]:
        """Fill batches up to their weight; a part that is heavier goes alone."""
        chunks: list[list[int]] = []
        weight = AT_ONCE
        for place in places:
            weight += self.parts[place].weight
            if weight > AT_ONCE:
                chunks.append([])
                weight = self.parts[place].weight
            chunks[-1].append(place)
        return [tuple(chunk) for chunk in chunks]

    def take(self, pack: Pack, came: Sequence[Outcome | Skipped]) -> None:
        """Note what a batch brought; busy parts stay open for a few tries."""
        for place, outcome in zip(pack.places, came, strict=True):
            if isinstance(outcome, Temporary) and self._tries[place] + 1 < TRIES:
                self._tries[place] += 1
                self._last[place] = outcome
            elif not isinstance(outcome, Skipped):
                self._done[place] = outcome

    def pause(self) -> float:
        """Seconds before the next round: the longest any part was asked to wait, and jitter."""
        tried = [self._last[place] for place in self.open if place in self._last]
        if not tried:
            return 0
        asked = max(((one.retry_after or timedelta()).total_seconds() for one in tried), default=0)
        return asked + random.random() * FLOOR * float(2 ** min(self._round, 5))  # noqa: S311

    @property
    def fresh(self) -> bool:
        """Tell whether no part has come to anything yet."""
        return not self._done and not self._tries

    @property
    def weary(self) -> bool:
        """Tell whether the other side only makes us go round in circles."""
        return self._round >= ROUNDS

    def outcomes(self) -> list[Outcome]:
        """An outcome for every part, in their order; what is still open was not reached."""
        late = Temporary("Microsoft was busy for too long")
        return [
            self._done.get(place) or self._last.get(place, late) for place in range(len(self.parts))
        ]


Naming = Callable[[str], str]


def content(parts: Sequence[Part], pack: Pack, naming: Naming) -> dict[str, Any]:
    """The body of one batch; `naming` puts each address as Graph knows it."""
    return {"requests": list(_requests(parts, pack, naming))}


def _requests(parts: Sequence[Part], pack: Pack, naming: Naming) -> Iterator[dict[str, Any]]:
    before = None
    for place in pack.places:
        part = parts[place]
        one: dict[str, Any] = {"id": str(place), "method": part.method, "url": naming(part.url)}
        one["headers"] = part.all_headers
        if part.body is not None:
            one["body"] = _in_batch(part.body)
        if pack.serial and before is not None:
            one["dependsOn"] = [before]
        before = str(place)
        yield one


def _in_batch(body: Mapping[str, Any] | str) -> object:
    """A body as a batch carries it: what is no JSON in base64 (Graph, JSON batching)."""
    return base64.b64encode(body.encode()).decode() if isinstance(body, str) else dict(body)


def read_batch(parts: Sequence[Part], pack: Pack, body: object) -> list[Outcome | Skipped]:
    """Read the answer of a batch: an outcome for each part, in the order of the pack."""
    said = body.get("responses") if isinstance(body, Mapping) else None
    listed = [one for one in said or [] if isinstance(one, Mapping)]
    by_id = {str(one.get("id")): one for one in listed}
    return [_outcome(parts[place], by_id.get(str(place))) for place in pack.places]


def lost(part: Part, result: Temporary | Permanent | Ambiguous) -> Outcome:
    """What a batch that got no answer means for one of its parts."""
    if isinstance(result, Ambiguous) and part.repeatable:
        return Temporary(result.reason)
    return result


def _outcome(part: Part, said: Mapping[str, Any] | None) -> Outcome | Skipped:
    if said is None:
        return lost(part, Ambiguous("Microsoft left a part of the batch unanswered"))
    status = int(said.get("status") or 0)
    if status == 424:
        return SKIPPED
    if status == 429:
        return Temporary("Microsoft asks for a pause", _pause(said))
    if status in _BUSY or status == 0:
        busy = f"Microsoft is out of order for now ({status})"
        return Temporary(busy, _pause(said)) if part.repeatable else Ambiguous(busy)
    return Said(status, said.get("body"))


def _pause(said: Mapping[str, Any]) -> timedelta | None:
    """What a part asked for, within our own bounds: Graph has said 0, 1 and a billion."""
    headers = {str(k).lower(): str(v) for k, v in (said.get("headers") or {}).items()}
    asked = retry_after(headers.get("retry-after"), datetime.now(UTC))
    return None if asked is None else timedelta(seconds=min(CEILING, max(FLOOR, asked)))
