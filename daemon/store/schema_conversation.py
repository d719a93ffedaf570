"""The tables of the conversation. `sealed` columns hold words only the pair's key opens; the
other columns are figures. `CONTENT` names every table the people team's pages never touch."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
)

from daemon.core.domain import Pair
from daemon.store.schema import UtcTime, metadata


def _pair(*, key: bool = False) -> tuple[Column[str], Column[str]]:
    return (
        Column("employee", String, primary_key=key, nullable=False),
        Column("manager", String, primary_key=key, nullable=False),
    )


def _sealed() -> Column[bytes]:
    return Column("sealed", LargeBinary, nullable=False)


pair_keys = Table(
    "pair_keys", metadata, *_pair(key=True), _sealed(), Column("made_at", UtcTime, nullable=False)
)

answers = Table(
    "answers",
    metadata,
    *_pair(key=True),
    Column("side", String, primary_key=True),
    Column("item", String, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("shared", Boolean, nullable=False),
    _sealed(),
)

materials = Table(
    "materials",
    metadata,
    Column("id", String, primary_key=True),
    *_pair(),
    Column("item", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("size", Integer, nullable=False),
    _sealed(),
    Column("content", LargeBinary, nullable=False),
    Index("materials_by_pair", "employee", "manager"),
)

preparations = Table(
    "preparations",
    metadata,
    Column("uid", String, primary_key=True),
    Column("at", UtcTime, nullable=False),
    ForeignKeyConstraint(["uid"], ["meetings.uid"]),
)

statements = Table(
    "statements",
    metadata,
    *_pair(key=True),
    Column("id", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("topic", String, nullable=False),
    Column("employee_at", UtcTime),
    Column("manager_at", UtcTime),
    Column("employee_differs", Boolean, nullable=False),
    Column("manager_differs", Boolean, nullable=False),
    _sealed(),
)

actions = Table(
    "actions",
    metadata,
    *_pair(key=True),
    Column("id", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("owner", String, nullable=False),
    Column("due", Date, nullable=False),
    Column("progress", String, nullable=False),
    _sealed(),
)

resources = Table(
    "resources",
    metadata,
    *_pair(key=True),
    Column("id", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("by", Date),
    _sealed(),
)

records = Table(
    "records",
    metadata,
    Column("uid", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    *_pair(),
    Column("side", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    _sealed(),
    Index("records_by_pair", "employee", "manager"),
    ForeignKeyConstraint(["uid"], ["meetings.uid"]),
)

requests_to_record = Table(
    "requests_to_record",
    metadata,
    Column("uid", String, primary_key=True),
    Column("at", UtcTime, nullable=False),
    ForeignKeyConstraint(["uid"], ["meetings.uid"]),
)

training_topics = Table(
    "training_topics",
    metadata,
    Column("token", String, primary_key=True),
    Column("topic", String, primary_key=True),
    Column("at", UtcTime, nullable=False),
)

helpers = Table(
    "helpers",
    metadata,
    Column("id", String, primary_key=True),
    Column("uid", String, nullable=False),
    *_pair(),
    Column("number", Integer, nullable=False),
    Column("email", String, nullable=False),
    Column("action", String),
    Column("state", String, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    _sealed(),
    Index("helpers_by_pair", "employee", "manager"),
)

handovers = Table(
    "handovers",
    metadata,
    *_pair(key=True),
    Column("from_manager", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("chosen_at", UtcTime),
)

offers = Table(
    "offers",
    metadata,
    Column("uid", String, primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
)

explanations = Table(
    "explanations",
    metadata,
    *_pair(key=True),
    Column("track", String, primary_key=True),
    Column("said", JSON, nullable=False),
)

link_versions = Table(
    "link_versions",
    metadata,
    Column("person", String, primary_key=True),
    Column("version", Integer, nullable=False),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("id", String, primary_key=True),
    Column("person", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("person", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("sessions_by_end", "expires_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("person", String, nullable=False),
    Column("did", String, nullable=False),
    *_pair(),
    Column("what", String, nullable=False),
    Column("before", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("audit_by_pair", "employee", "manager"),
)

CONTENT = frozenset(
    {pair_keys, answers, materials, statements, actions, resources, records, helpers}
)
"""Tables with words of a talk, or keys to them."""


def of_pair(table: Table, pair: Pair) -> ColumnElement[bool]:
    """The rows of a pair."""
    return and_(table.c.employee == pair.employee, table.c.manager == pair.manager)
