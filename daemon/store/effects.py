"""The words of the outbox: what is owed to the world, who is at it, what became of it."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from daemon.core.domain import Email, Key, LetterKind, Uid


class Action(StrEnum):
    """What is done to the world."""

    PUT = "put"
    """An event is made or brought up to date."""
    CANCEL = "cancel"
    """An event is withdrawn."""
    LETTER = "letter"
    """A mail goes out."""


class State(StrEnum):
    """Where an effect stands."""

    OWED = "owed"
    """It will be tried, at `not_before` or later."""
    CLAIMED = "claimed"
    """Somebody is at it, until the lease ends."""
    DOUBTFUL = "doubtful"
    """Perhaps done: the answer, or whoever waited for it, was lost. Looked up before a repeat."""
    HELD = "held"
    """Perhaps done, and nobody can tell: an operator decides."""
    DONE = "done"
    FAILED = "failed"
    """Not done, and trying again will not help."""
    LAPSED = "lapsed"
    """Overtaken: it will not be done, and nobody needs it."""


NOBODY = Email("")
UNWRITTEN = datetime.min.replace(tzinfo=UTC)
SETTLED = (State.DONE, State.FAILED, State.LAPSED)


@dataclass(frozen=True, slots=True)
class Effect:
    """Something owed to the world. Equal keys are one effect."""

    key: Key
    action: Action
    uid: Uid
    sequence: int = 0
    """The invite's SEQUENCE, or the letter's revision."""
    to: Email = NOBODY
    """Whom a letter goes to."""
    payload: bytes = b""
    """What to do it with; of a letter its finished bytes, sealed. Gone once it is settled."""
    owed_at: datetime = field(default=UNWRITTEN, compare=False)
    """When it was written down; told by the store."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out an effect once, until the lease ends."""

    effect: Effect
    worker: str
    attempt: int
    """Counts from 1; also the fence: only the newest attempt is recorded."""
    lease_until: datetime
    doubtful: bool = False
    """An earlier attempt may have reached the world: look before anything else."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter in the ledger, whatever became of it."""

    kind: LetterKind
    to: Email
    revision: int
    state: State
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An effect as it stands, for people who look: no payload."""

    key: Key
    action: Action
    uid: Uid
    sequence: int
    to: Email
    state: State
    attempt: int
    reason: str
    owed_at: datetime
    at: datetime
    not_before: datetime


def delay(key: Key, attempt: int, asked: timedelta | None = None) -> timedelta:
    """How long to wait after an attempt that did not succeed.

    Anything between nothing and a bound that doubles from half a minute to an hour (full jitter,
    drawn from key and attempt, so that it is spread and yet repeatable); at least what the other
    side asked for, up to a day.
    """
    bound = min(_LONGEST, _FIRST * (1 << min(attempt - 1, 10)))
    drawn = hashlib.sha256(f"{key}\n{attempt}".encode()).digest()[:8]
    jitter = bound * (int.from_bytes(drawn) / 2**64)
    return max(jitter, min(asked or timedelta(), _LONGEST_ASKED))


_FIRST = timedelta(seconds=30)
_LONGEST = timedelta(hours=1)
_LONGEST_ASKED = timedelta(days=1)
