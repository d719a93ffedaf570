"""How long words are kept: once a day what has had its time is forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, select

from daemon.core.checklist import Checklist
from daemon.core.domain import Email, Pair, Progress
from daemon.store import access, conversations, people
from daemon.store.schema import pairs
from daemon.store.schema_conversation import actions, answers, materials, records
from daemon.store.vault import Vault

MONTH = timedelta(days=30.4375)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long each kind of word stays."""

    drafts: timedelta
    """What the employee shared with nobody, after it would be asked again."""
    shared: timedelta
    """What was shared, records, settled actions; and all of a pair that has ended."""
    audit: timedelta
    leavers: timedelta = 24 * MONTH
    """Name and address of whoever left."""


def keeping(
    drafts_days: int, shared_months: int, audit_months: int, leavers_months: int = 24
) -> Keeping:
    """The operator's figures as spans."""
    drafts = timedelta(days=drafts_days)
    months = (shared_months, audit_months, leavers_months)
    return Keeping(drafts, *(count * MONTH for count in months))


def forget(
    conn: Connection, vault: Vault, checklist: Checklist, keep: Keeping, now: datetime
) -> None:
    """Drop what has had its time. What two have agreed stays while they go on as a pair."""
    _forget_private(conn, checklist, keep, now)
    for table in (answers, materials, records):
        conn.execute(delete(table).where(table.c.at < now - keep.shared))
    settled = actions.c.progress != Progress.OPEN
    conn.execute(delete(actions).where(settled & (actions.c.due < (now - keep.shared).date())))
    for pair in _long_ended(conn, now - keep.shared):
        conversations.erase(conn, vault, pair)
    access.forget_before(conn, now - keep.audit)


def long_gone(conn: Connection, keep: Keeping, now: datetime) -> list[Email]:
    """Who left so long ago that nothing shall name them any more."""
    before = (now - keep.leavers).date()
    return sorted(who for who, on in people.left(conn).items() if on < before)


def _forget_private(conn: Connection, checklist: Checklist, keep: Keeping, now: datetime) -> None:
    """Private answers and papers: some time after they would be asked again, so that "still
    true?" is asked before anything goes."""
    stale = {item.id: item.stale_after_days or 0 for item in checklist.items}
    for table in (answers, materials):
        private = table.c.shared.is_(False)
        for item in conn.scalars(select(table.c.item).where(private).distinct()).all():
            end = now - keep.drafts - timedelta(days=stale.get(item, 0))
            conn.execute(delete(table).where(and_(private, table.c.item == item, table.c.at < end)))


def _long_ended(conn: Connection, before: datetime) -> Iterable[Pair]:
    p = pairs.c
    rows = select(p.employee, p.manager).where(p.ended < before.date())
    return [Pair(Email(employee), Email(manager)) for employee, manager in conn.execute(rows)]
