"""A new manager: what moves along by itself, and what the employee chooses to show."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select, update

from daemon.core.agreement import Record, Side, Statement, carried
from daemon.core.conversation import carry_forward
from daemon.core.domain import Email, Pair
from daemon.store import agreements, answers
from daemon.store.rows import insert_new
from daemon.store.schema_conversation import (
    handovers,
    of_pair,
)
from daemon.store.vault import Box, Vault


@dataclass(frozen=True, slots=True)
class Handover:
    """That a pair goes on from another, and whether the employee has chosen yet."""

    old: Pair
    new: Pair
    at: datetime
    chosen_at: datetime | None


def hand_over(conn: Connection, vault: Vault, old: Pair, new: Pair, now: datetime) -> bool:
    """Take open actions and the employee's own answers and papers along, private again. Safe to
    repeat; tells whether something was done."""
    key = {"employee": new.employee, "manager": new.manager}
    if not insert_new(conn, handovers, [{**key, "from_manager": old.manager, "at": now}]):
        return False
    before = vault.box(conn, old)
    if before is not None:
        after = vault.make(conn, new, now)
        _carry(conn, old, before, new, after, now)
    return True


def _carry(conn: Connection, old: Pair, before: Box, new: Pair, after: Box, now: datetime) -> None:
    for answer in carry_forward(answers.of(conn, before, old, Side.EMPLOYEE)):
        answers.save(conn, after, new, Side.EMPLOYEE, answer)
    for paper in answers.papers(conn, before, old):
        found = answers.paper(conn, before, old, paper.id)
        if found is not None:
            answers.add_paper(conn, after, new, paper.item, paper.name, found[1], now)
    moved = carried(agreements.current(conn, before, old))
    fresh = tuple(replace(action, id=secrets.token_hex(8)) for action in moved.actions)
    agreements.keep(conn, after, new, replace(moved, actions=fresh))


def of(conn: Connection, new: Pair) -> Handover | None:
    """The hand-over this pair began with."""
    row = conn.execute(select(handovers).where(of_pair(handovers, new))).one_or_none()
    if row is None:
        return None
    return Handover(Pair(new.employee, Email(row.from_manager)), new, row.at, row.chosen_at)


def choose(
    conn: Connection,
    vault: Vault,
    handover: Handover,
    items: Collection[str],
    statements: Collection[str],
    now: datetime,
) -> None:
    """Show the new manager the chosen answers, and bring the chosen statements of the old record
    (by id) to the table again, without ticks."""
    box = vault.make(conn, handover.new, now)
    for item in items:
        answers.share(conn, handover.new, item, shared=True)
    record = agreements.current(conn, box, handover.new)
    old = agreements.current(conn, vault.box(conn, handover.old), handover.old)
    brought = tuple(_anew(s) for s in old.statements if s.id in statements)
    whole = Record((*record.statements, *brought), record.actions, record.resources)
    agreements.keep(conn, box, handover.new, whole)
    chosen = update(handovers).where(of_pair(handovers, handover.new))
    conn.execute(chosen.values(chosen_at=now))


def _anew(statement: Statement) -> Statement:
    return Statement(secrets.token_hex(8), statement.topic, statement.text)
