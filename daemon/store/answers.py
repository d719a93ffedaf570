"""What each side wrote before the talk, sealed: answers, papers, and who has prepared."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select, update

from daemon.core.agreement import Side
from daemon.core.conversation import Answer
from daemon.core.domain import Pair, Uid
from daemon.store.rows import insert_new, upsert
from daemon.store.schema_conversation import (
    answers,
    materials,
    of_pair,
    preparations,
)
from daemon.store.vault import Box
from daemon.store.words import answer_from, answer_to


@dataclass(frozen=True, slots=True)
class Material:
    """A paper the employee gathered; its content is fetched apart."""

    id: str
    item: str
    name: str
    size: int
    """Bytes."""
    at: datetime
    shared: bool


def of(
    conn: Connection, box: Box | None, pair: Pair, side: Side, *, shared_only: bool = False
) -> dict[str, Answer]:
    """Everything a side wrote, by item; `shared_only`: what is private is not even opened."""
    if box is None:
        return {}
    mine = of_pair(answers, pair) & (answers.c.side == side)
    if shared_only:
        mine &= answers.c.shared
    return {
        row.item: answer_from(box.open(row.sealed), item=row.item, at=row.at, shared=row.shared)
        for row in conn.execute(select(answers).where(mine))
    }


def save(conn: Connection, box: Box, pair: Pair, side: Side, answer: Answer) -> None:
    """Keep an answer; an empty one is forgotten."""
    key = {"employee": pair.employee, "manager": pair.manager, "side": side, "item": answer.item}
    if answer.empty:
        conn.execute(delete(answers).filter_by(**key))
        return
    sealed = box.seal(answer_to(answer))
    upsert(conn, answers, [{**key, "at": answer.at, "shared": answer.shared, "sealed": sealed}])


def share(conn: Connection, pair: Pair, item: str, *, shared: bool) -> None:
    """Show one of the employee's answers to the manager, or hide it again."""
    mine = of_pair(answers, pair) & (answers.c.side == Side.EMPLOYEE) & (answers.c.item == item)
    conn.execute(update(answers).where(mine).values(shared=shared))


def prepared(conn: Connection, uid: Uid, now: datetime) -> None:
    """Note that the employee filled something in, or said that nothing changed."""
    insert_new(conn, preparations, [{"uid": uid, "at": now}])


def is_prepared(conn: Connection, uid: Uid) -> bool:
    """Tell whether they did."""
    return conn.scalar(select(preparations.c.uid).where(preparations.c.uid == uid)) is not None


# --- papers ---------------------------------------------------------------------------------


def papers(conn: Connection, box: Box | None, pair: Pair) -> tuple[Material, ...]:
    """The papers of a pair, oldest first, without their content."""
    if box is None:
        return ()
    wanted = [column for column in materials.c if column.name != "content"]
    rows = conn.execute(select(*wanted).where(of_pair(materials, pair)).order_by(materials.c.at))
    return tuple(
        Material(row.id, row.item, box.open(row.sealed), row.size, row.at, row.shared)
        for row in rows
    )


def add_paper(
    conn: Connection, box: Box, pair: Pair, item: str, name: str, content: bytes, now: datetime
) -> str:
    """Keep a file, private; returns its id."""
    id_ = secrets.token_hex(8)
    conn.execute(
        materials.insert().values(
            id=id_,
            employee=pair.employee,
            manager=pair.manager,
            item=item,
            at=now,
            shared=False,
            size=len(content),
            sealed=box.seal(name),
            content=box.seal_bytes(content),
        )
    )
    return id_


def paper(conn: Connection, box: Box | None, pair: Pair, id_: str) -> tuple[Material, bytes] | None:
    """One paper of this pair with its content."""
    row = conn.execute(select(materials).where(_the_paper(pair, id_))).one_or_none()
    if row is None or box is None:
        return None
    known = Material(row.id, row.item, box.open(row.sealed), row.size, row.at, row.shared)
    return known, box.open_bytes(row.content)


def share_paper(conn: Connection, pair: Pair, id_: str, *, shared: bool) -> None:
    """Show a paper to the manager, or hide it again."""
    conn.execute(update(materials).where(_the_paper(pair, id_)).values(shared=shared))


def remove_paper(conn: Connection, pair: Pair, id_: str) -> None:
    """Forget a paper."""
    conn.execute(delete(materials).where(_the_paper(pair, id_)))


def _the_paper(pair: Pair, id_: str) -> ColumnElement[bool]:
    return of_pair(materials, pair) & (materials.c.id == id_)
