"""What the loop needs of the conversation: figures without a key, words for letters with it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, and_, delete, func, insert, or_, select

from daemon.core.agreement import (
    Change,
    Record,
    Resource,
    Side,
    agreed_first,
    changes,
    open_actions,
)
from daemon.core.checklist import Checklist
from daemon.core.conversation import Answer, questions_for
from daemon.core.domain import Accord, Action, Interval, Kind, Owner, Pair, Talk, Uid
from daemon.store import access, agreements, answers, helpers, trainings
from daemon.store.schema_conversation import (
    CONTENT,
    explanations,
    handovers,
    preparations,
    records,
    requests_to_record,
    statements,
    training_topics,
)
from daemon.store.schema_conversation import (
    offers as offered,
)
from daemon.store.vault import Vault

helpers_owed = helpers.owed
sign_ins_owed = access.sign_ins_owed


# --- figures --------------------------------------------------------------------------------


def talks(conn: Connection) -> dict[Uid, Talk]:
    """How far each meeting's conversation is."""
    saved = select(records.c.uid, func.max(records.c.revision), func.max(records.c.at))
    revisions = {
        uid: (revision, at) for uid, revision, at in conn.execute(saved.group_by(records.c.uid))
    }
    prepared = set(conn.scalars(select(preparations.c.uid)))
    asks = {row.uid: row.at for row in conn.execute(select(requests_to_record))}
    return {
        Uid(uid): Talk(uid in prepared, *revisions.get(uid, (0, None)), asks.get(uid))
        for uid in prepared | revisions.keys() | asks.keys()
    }


def accords(conn: Connection) -> dict[Pair, Accord]:
    """How far each pair agrees."""
    s = statements.c
    settled = or_(
        and_(s.employee_at.is_not(None), s.manager_at.is_not(None)),
        and_(s.employee_differs, s.manager_differs),
    )
    counted = select(s.employee, s.manager, func.count(), func.count().filter(~settled))
    figures = {
        Pair(employee, manager): (total, lacking)
        for employee, manager, total, lacking in conn.execute(
            counted.group_by(s.employee, s.manager)
        )
    }
    by_pair = (records.c.employee, records.c.manager)
    last = select(*by_pair, func.max(records.c.at)).group_by(*by_pair)
    saved = {Pair(employee, manager): at for employee, manager, at in conn.execute(last)}
    return {
        pair: Accord(*figures.get(pair, (0, 0)), saved.get(pair))
        for pair in figures.keys() | saved.keys()
    }


# --- other times for a meeting --------------------------------------------------------------


def offers(conn: Connection, uid: Uid) -> tuple[Interval, ...]:
    """The other times the loop last found for a meeting, best first."""
    rows = select(offered).where(offered.c.uid == uid).order_by(offered.c.rank)
    return tuple(Interval(row.starts_at, row.ends_at) for row in conn.execute(rows))


def set_offers(conn: Connection, uid: Uid, slots: Sequence[Interval]) -> bool:
    """Replace the other times of a meeting, best first; False: they are the same."""
    if offers(conn, uid) == tuple(slots):
        return False
    conn.execute(delete(offered).where(offered.c.uid == uid))
    for rank, slot in enumerate(slots):
        values = {"uid": uid, "rank": rank, "starts_at": slot.start, "ends_at": slot.end}
        conn.execute(insert(offered).values(**values))
    return True


# --- words for letters ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """One line of a letter: a title and a few words."""

    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Prep:
    """What the preparation letter lists."""

    points: tuple[Point, ...]
    actions: tuple[Action, ...]
    """The employee's own, overdue first."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What the manager's letter lists: only what was shared."""

    points: tuple[Point, ...]
    promises: tuple[Action, ...]
    """The manager's own, overdue first."""


@dataclass(frozen=True, slots=True)
class Differing:
    """A statement on which the two differ, or which lacks a tick, with the reasons given."""

    text: str
    employee: str = ""
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the summary letter lists."""

    actions: tuple[Action, ...]
    agreed: tuple[str, ...]
    """Word for word."""
    differing: tuple[Differing, ...]
    open: tuple[str, ...]
    """Statements that still lack a tick."""
    resources: tuple[Resource, ...]
    changes: tuple[Change, ...]
    """Against the revision before; empty for the first."""


def for_prep(
    conn: Connection,
    vault: Vault,
    pair: Pair,
    kind: Kind,
    checklist: Checklist,
    basis: Mapping[str, str],
    now: datetime,
) -> Prep:
    """What the employee is asked before a meeting of this kind; `basis` from `core.bases`."""
    box = vault.box(conn, pair)
    mine = answers.of(conn, box, pair, Side.EMPLOYEE)
    asked = questions_for(checklist, mine, kind, basis, now)
    record = agreements.current(conn, box, pair)
    return Prep(
        points=tuple(Point(question.item.title, question.item.hint) for question in asked),
        actions=open_actions(record, now.date(), Owner.EMPLOYEE),
    )


def for_brief(
    conn: Connection, vault: Vault, pair: Pair, checklist: Checklist, today: date
) -> Brief:
    """What the manager should know before a meeting."""
    box = vault.box(conn, pair)
    mine = answers.of(conn, box, pair, Side.EMPLOYEE)
    shared = [(item, mine[item.id]) for item in checklist.items if item.id in mine]
    return Brief(
        points=tuple(Point(i.title, plain(answer)) for i, answer in shared if answer.shared),
        promises=open_actions(agreements.current(conn, box, pair), today, Owner.MANAGER),
    )


def plain(answer: Answer) -> str:
    """An answer as text: its words, drafts, lines that are not clear, and rows."""
    rows = (f"{row.what} ({row.who})" if row.who else row.what for row in answer.rows)
    parts = (answer.text, *answer.drafts, *answer.unclear, *rows)
    return "\n".join(part for part in parts if part)


def for_summary(
    conn: Connection,
    vault: Vault,
    pair: Pair,
    uid: Uid,
    revision: int,
    today: date,
    since: int,
    on_top: Collection[str] = (),
) -> Summary:
    """What was recorded in a revision; revision 0: nothing was, only the open actions, and of what
    was agreed what is `on_top` (ids of items), which leads every summary. Changes are told against
    revision `since`, the last one the reader was sent (0: none)."""
    box = vault.box(conn, pair)
    if not revision:
        known = agreements.current(conn, box, pair)
        top = tuple(s.text for s in known.statements if s.agreed and s.topic in on_top)
        return Summary(open_actions(known, today), top, (), (), (), ())
    saved = agreements.revisions(conn, box, pair)
    of_meeting = {one.number: one.record for one in saved if one.uid == uid}
    record = of_meeting.get(revision, Record())
    before = of_meeting.get(since)
    return Summary(
        actions=open_actions(record, today),
        agreed=tuple(s.text for s in agreed_first(record, on_top)),
        differing=tuple(
            Differing(s.text, s.differs.get(Side.EMPLOYEE, ""), s.differs.get(Side.MANAGER, ""))
            for s in record.statements
            if s.differs
        ),
        open=tuple(s.text for s in record.statements if not s.settled and not s.differs),
        resources=record.resources,
        changes=() if before is None else changes(before, record),
    )


# --- forgetting -----------------------------------------------------------------------------


def erase(conn: Connection, vault: Vault, pair: Pair) -> None:
    """Forget every word of a pair; the figures (when talks were held and recorded) and the audit
    stay."""
    agreements.erase(conn, pair)
    words = sorted(CONTENT - {records}, key=lambda t: t.name)
    for table in (*words, handovers, explanations):
        both = (table.c.employee == pair.employee) & (table.c.manager == pair.manager)
        conn.execute(delete(table).where(both))
    conn.execute(
        delete(training_topics).where(training_topics.c.token == trainings.token(vault, pair))
    )
    vault.forget(conn, pair)
