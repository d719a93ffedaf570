"""What can be wrong with the store, each with what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError


class StoreTrouble(Exception):
    """The store cannot be used; the message says what to do next."""


class DamagedStore(StoreTrouble):
    """The file is not what we wrote. It is left as it is, never made anew."""


class NewerStore(StoreTrouble):
    """A newer careloop wrote it: this one would not understand it."""


class FullStore(StoreTrouble):
    """No room is left: nothing was recorded, everything recorded before is still readable."""


class BusyStore(StoreTrouble):
    """Somebody else kept the store to themselves for too long."""


class UnreachableStore(StoreTrouble):
    """There is nothing to connect to, or it does not let us in."""


def damaged(name: str, what: str) -> DamagedStore:
    """Say that a file is damaged and how to go on."""
    return DamagedStore(
        f"{name} is damaged ({what}). It was left untouched. Stop careloop, then bring back the "
        f"last good copy with: careloop restore FILE"
    )


_FULL = (
    "no space left for {name}: this step was not recorded, nothing recorded earlier is lost. "
    "Free some space; careloop goes on by itself"
)
_BUSY = (
    "{name} is held by another process. Is a second careloop, a backup or a database tool "
    "running on it?"
)
_CLOSED = "{name} cannot be used ({said}). Let the user careloop runs as own it and its folder"
_SIGNS: tuple[tuple[str, type[StoreTrouble], str], ...] = (
    ("database or disk is full", FullStore, _FULL),
    ("No space left on device", FullStore, _FULL),
    ("database is locked", BusyStore, _BUSY),
    ("lock timeout", BusyStore, _BUSY),
    ("readonly database", UnreachableStore, _CLOSED),
    ("unable to open database file", UnreachableStore, _CLOSED),
)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn what the driver says into a `StoreTrouble`; what is none of those stays a bug."""
    try:
        yield
    except DBAPIError as error:
        trouble = _trouble(name, error)
        if trouble is None:
            raise
        raise trouble from error


def _trouble(name: str, error: DBAPIError) -> StoreTrouble | None:
    said = str(error.orig).strip()
    for sign, kind, words in _SIGNS:
        if sign in said:
            return kind(words.format(name=name, said=said))
    if "malformed" in said or "not a database" in said:
        return damaged(name, said)
    if error.connection_invalidated or (
        isinstance(error, OperationalError | InterfaceError) and error.statement is None
    ):
        return UnreachableStore(f"{name} cannot be reached: {said}")
    return None
