"""Forget: what is kept no longer, once a day; and a person, when an operator says so."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Connection

import connectors
from daemon.core.domain import Email, Uid
from daemon.store import (
    access,
    erasing,
    helpers,
    outbox,
    people,
    retention,
    settings,
    trainings,
)
from daemon.store.trouble import BusyStore
from daemon.wiring import App

log = structlog.get_logger()

FORGOTTEN = "forgotten_on"
"""The setting that says on which day old things were last dropped: once a day is enough."""
UNSCRUBBED = "unscrubbed"
"""The setting that says that bytes of what was erased may still lie in the file."""
LEDGER = timedelta(days=400)
"""How long the ledger of effects is kept: longer than the longest gap between two talks."""
COPIES = timedelta(days=90)
"""How long the copies are kept that an upgrade or a restore left beside the store."""
AT_ONCE = 8
"""People whose names go in one transaction."""


def forget(app: App, now: datetime) -> None:
    """Drop what is kept no longer: words, helpers' old requests, the ledger of long ago, and who
    those were who left long ago."""
    with app.database.reading() as conn:
        if settings.get(conn, FORGOTTEN) == now.date().isoformat():
            return
    keep = retention.keeping(**app.config.privacy.model_dump())
    checklist = app.checklist(app.config.organization.language)
    with app.database.writing() as conn:
        helpers.forget_old(conn, now)
        trainings.forget_old(conn, now)
        retention.forget(conn, app.vault, checklist, keep, now)
        outbox.forget_before(conn, now - LEDGER)
        settings.put(conn, FORGOTTEN, now.date().isoformat())
    _forget_leavers(app, keep, now)
    if not app.rehearsal:
        _drop(one for one in app.database.copies() if _age(one, now) > COPIES)
        _clean(app)


def _forget_leavers(app: App, keep: retention.Keeping, now: datetime) -> None:
    with app.database.reading() as conn:
        gone = [
            who
            for who in retention.long_gone(conn, keep, now)
            if not erasing.withdrawals(conn, who, now)
        ]
    for first in range(0, len(gone), AT_ONCE):
        _erase_names(app, gone[first : first + AT_ONCE], now)
    if gone:
        log.info("leavers.forgotten", count=len(gone))


# --- a person -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Traces:
    """What stands in the way of forgetting a name."""

    here: bool
    """They are on the roster, or it names them as somebody's manager."""
    reports: tuple[Email, ...] = ()
    """Whose manager they are by the roster."""
    withdrawals: int = 0
    """Coming talks of theirs that still stand in a calendar, as far as known."""


def traces(app: App, person: Email, now: datetime) -> Traces:
    """Tell whether somebody's name can be forgotten today."""
    with app.database.reading() as conn:
        roster = people.roster(conn)
        waiting = erasing.withdrawals(conn, person, now)
    reports = tuple(who for who, one in roster.items() if one.manager == person)
    return Traces(person in roster, reports, waiting)


def erase(app: App, person: Email, now: datetime, *, name: bool) -> bool:
    """Forget what a person wrote, and with `name` also who they were; older copies beside the
    store go too, and every byte of what was deleted. False: somebody kept the store busy, the
    bytes go with the next day's forgetting."""
    if name:
        _erase_names(app, [person], now)
    else:
        with app.database.writing() as conn:
            _note(conn, [person], now)
            erasing.words(conn, app.vault, [person])
            settings.put(conn, UNSCRUBBED, True)
    _drop(app.database.copies())
    return _clean(app)


def _erase_names(app: App, gone: Collection[Email], now: datetime) -> None:
    with app.database.writing() as conn:
        _note(conn, gone, now)
        erasing.words(conn, app.vault, gone)
        uids = erasing.names(conn, app.vault, gone, now)
        settings.put(conn, UNSCRUBBED, True)
    if not app.rehearsal:
        connectors.forget(app.config, _mentioned(gone, uids))


def _note(conn: Connection, gone: Collection[Email], now: datetime) -> None:
    """Keep in the audit that it was done; whose it was goes with the names."""
    for pair in erasing.pairs_of(conn, gone):
        if pair.employee in gone:
            access.note(conn, access.Entry(now, Email("operator"), "erased", "everything"), pair)


def _mentioned(gone: Collection[Email], uids: Iterable[Uid]) -> list[str]:
    return [*gone, *(uid.partition("@")[0] for uid in uids)]


# --- files ----------------------------------------------------------------------------------


def _clean(app: App) -> bool:
    """Write the store anew where bytes of something erased may be left; False: it is too busy."""
    with app.database.reading() as conn:
        if not settings.get(conn, UNSCRUBBED):
            return True
    try:
        app.database.scrub()
    except BusyStore as busy:
        log.warning("store.unscrubbed", reason=str(busy))
        return False
    with app.database.writing() as conn:
        settings.put(conn, UNSCRUBBED, None)
    return True


def _drop(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _age(file: Path, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(file.stat().st_mtime, UTC)
