"""The words of the outbox: what is owed to the world, who is at it, what became of it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from daemon.core.domain import Email, Interval, Invite, Key, Letter, LetterKind, Pair, Party, Uid


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
    """A frozen invite, or a letter's finished bytes, sealed. Gone once the effect is settled."""


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


def put_of(invite: Invite) -> Effect:
    """The effect that brings an event to this invite."""
    key = Key(f"put:{invite.uid}:{invite.sequence}")
    return Effect(key, Action.PUT, invite.uid, invite.sequence, payload=freeze(invite))


def cancel_of(invite: Invite) -> Effect:
    """The effect that withdraws the event of this invite."""
    key = Key(f"cancel:{invite.uid}:{invite.sequence}")
    return Effect(key, Action.CANCEL, invite.uid, invite.sequence, payload=freeze(invite))


def letter_of(letter: Letter, content: bytes) -> Effect:
    """The effect that sends a letter; `content` is finished and sealed."""
    return Effect(letter.key, Action.LETTER, letter.uid, letter.revision, letter.to, content)


def freeze(invite: Invite) -> bytes:
    """Write an invite down so that every attempt reads the same."""
    return json.dumps(
        {
            "uid": invite.uid,
            "sequence": invite.sequence,
            "organizer": _party(invite.organizer),
            "attendees": [_party(party) for party in invite.attendees],
            "start": invite.start.isoformat(),
            "end": invite.end.isoformat(),
            "zone": invite.zone,
            "summary": invite.summary,
            "description": invite.description,
            "stamp": invite.stamp.isoformat(),
            "before": _span(invite.before),
            "url": invite.url,
            "comment": invite.comment,
            "pair": [invite.pair.employee, invite.pair.manager] if invite.pair else None,
            "number": invite.number,
            "generation": invite.generation,
        },
        ensure_ascii=False,
    ).encode()


def thaw(payload: bytes) -> Invite:
    """Read a frozen invite."""
    said: dict[str, Any] = json.loads(payload)
    before = said["before"]
    return Invite(
        **said
        | {
            "organizer": Party(*said["organizer"]),
            "attendees": tuple(Party(*party) for party in said["attendees"]),
            "start": datetime.fromisoformat(said["start"]),
            "end": datetime.fromisoformat(said["end"]),
            "stamp": datetime.fromisoformat(said["stamp"]),
            "before": before and Interval(*(datetime.fromisoformat(at) for at in before)),
            "pair": said["pair"] and Pair(*said["pair"]),
        }
    )


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


def _party(party: Party) -> list[str]:
    return [party.email, party.name]


def _span(when: Interval | None) -> list[str] | None:
    return [when.start.isoformat(), when.end.isoformat()] if when else None
