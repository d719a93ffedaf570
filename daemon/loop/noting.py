"""The note a turn leaves for those who look: when it was, and what was wrong with the world."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon.core.domain import Problem
from daemon.store import settings
from daemon.wiring import App

NAME = "last_turn"
STALE = timedelta(minutes=5)
"""A note this young is left alone when nothing but the time changed: a turn with nothing to do
writes nothing."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the last turn left behind."""

    at: datetime
    played: bool
    """The clock stood at a moment somebody chose (`--now`)."""
    problems: tuple[Problem, ...] = ()
    credentials_refused: bool = False


def leave(app: App, note: Note) -> None:
    """Leave the note, if it says anything new."""
    with app.database.reading() as conn:
        before = read(conn)
    if before is not None and _same(before, note):
        return
    said = {
        "at": note.at.isoformat(),
        "played": note.played,
        "problems": [[p.where, p.what, p.cure] for p in note.problems],
        "credentials_refused": note.credentials_refused,
    }
    with app.database.writing() as conn:
        settings.put(conn, NAME, said)


def read(conn: Connection) -> Note | None:
    """The note of the last turn; None before the first one."""
    said = settings.get(conn, NAME)
    if not isinstance(said, dict):
        return None
    return Note(
        at=datetime.fromisoformat(said["at"]),
        played=bool(said["played"]),
        problems=tuple(Problem(*words) for words in said["problems"]),
        credentials_refused=bool(said["credentials_refused"]),
    )


def moment(app: App) -> datetime:
    """The time to look from: now, or the moment that was played last."""
    with app.database.reading() as conn:
        note = read(conn)
    return note.at if note is not None and note.played else app.clock()


def _same(before: Note, note: Note) -> bool:
    young = timedelta() <= note.at - before.at < (timedelta.resolution if note.played else STALE)
    said = (before.played, before.problems, before.credentials_refused)
    return young and said == (note.played, note.problems, note.credentials_refused)
