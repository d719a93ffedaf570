"""A changed meeting becomes rows and what it owes to the calendars; for the loop and the pages."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from daemon.core.domain import (
    Email,
    Interval,
    Invite,
    Key,
    Letter,
    Meeting,
    Pair,
    Party,
    Person,
    State,
    Uid,
)
from daemon.letters import Letters
from daemon.store import meetings, outbox
from daemon.store.outbox import Action, Effect


def save(
    conn: Connection,
    changed: Iterable[Meeting],
    before: Mapping[Uid, Meeting],
    owed: Iterable[Effect],
    now: datetime,
) -> None:
    """Write meetings and what they owe in the caller's transaction."""
    told = [meeting for meeting in changed if before.get(meeting.uid) != meeting]
    meetings.save(conn, told)
    outbox.owe(conn, tuple(owed), now)


def effects(
    letters: Letters,
    changed: Iterable[Meeting],
    before: Mapping[Uid, Meeting],
    people: Mapping[Email, Person],
    now: datetime,
) -> Iterable[Effect]:
    """Tell what the calendars have to be told: a new event, a raised sequence, a withdrawal."""
    for meeting in changed:
        old = before.get(meeting.uid)
        if old is not None and old.sequence == meeting.sequence:
            continue
        if meeting.state is State.BOOKED:
            yield put_of(invite(letters, meeting, people, old.when if old else None, now))
        elif old is not None and old.state is State.BOOKED and old.end > now:
            yield cancel_of(invite(letters, meeting, people, old.when, now))


def invite(
    letters: Letters,
    meeting: Meeting,
    people: Mapping[Email, Person],
    before: Interval | None,
    now: datetime,
) -> Invite:
    """The meeting as the calendars shall show it; `before`: the time we last knew it to have."""
    employee, manager = people[meeting.pair.employee], people[meeting.pair.manager]
    summary, description = letters.invite_words(meeting, employee, manager, employee.language)
    return Invite(
        uid=meeting.uid,
        sequence=meeting.sequence,
        organizer=Party(employee.email, employee.name),
        attendees=tuple(Party(person.email, person.name) for person in (employee, manager)),
        start=meeting.start,
        end=meeting.end,
        zone=meeting.zone,
        summary=summary,
        description=description,
        stamp=now,
        before=before,
        pair=meeting.pair,
        number=meeting.number,
        generation=meeting.generation,
    )


def put_of(said: Invite) -> Effect:
    """The effect that brings an event to this invite."""
    key = Key(f"put:{said.uid}:{said.sequence}")
    return Effect(key, Action.PUT, said.uid, said.sequence, payload=freeze(said))


def cancel_of(said: Invite) -> Effect:
    """The effect that withdraws the event of this invite."""
    key = Key(f"cancel:{said.uid}:{said.sequence}")
    return Effect(key, Action.CANCEL, said.uid, said.sequence, payload=freeze(said))


def letter_of(letter: Letter, content: bytes) -> Effect:
    """The effect that sends a letter; `content` is finished and sealed."""
    return Effect(letter.key, Action.LETTER, letter.uid, letter.revision, letter.to, content)


def freeze(said: Invite) -> bytes:
    """Write an invite down, so that every attempt at it reads the same."""
    fields = {name: getattr(said, name) for name in Invite.__slots__}
    return json.dumps(fields, default=_plain, ensure_ascii=False).encode()


def thaw(payload: bytes) -> Invite:
    """Read a frozen invite."""
    said: dict[str, Any] = json.loads(payload)
    before, pair = said["before"], said["pair"]
    times = {name: datetime.fromisoformat(said[name]) for name in ("start", "end", "stamp")}
    return Invite(
        **said
        | times
        | {
            "organizer": Party(*said["organizer"]),
            "attendees": tuple(Party(*party) for party in said["attendees"]),
            "before": Interval(*map(datetime.fromisoformat, before)) if before else None,
            "pair": Pair(*pair) if pair else None,
        }
    )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    assert isinstance(value, Party | Pair | Interval)
    return [getattr(value, name) for name in type(value).__slots__]
