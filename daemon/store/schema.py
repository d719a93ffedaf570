"""The tables, on one MetaData. Times are UTC in and out; whole days are dates."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """An instant. A naive datetime is refused; what comes back is aware UTC on every engine."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Give the engine UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone: the store keeps instants")
        return value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Give back UTC, also where the engine forgot it (SQLite keeps text without a zone).

        At this level, not one above: a company's whole past is half a million instants.
        """
        if dialect.name == "sqlite":
            return lambda text: datetime.fromisoformat(text + "+00:00") if text else None
        return super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Give back UTC, whatever zone the connection speaks."""
        return value and value.astimezone(UTC)


metadata = MetaData()

people = Table(
    "people",
    metadata,
    Column("email", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("manager", String),
    Column("zone", String, nullable=False),
    Column("hours", JSON, nullable=False),
    Column("country", String, nullable=False),
    Column("language", String, nullable=False),
    Column("start_date", Date),
    Column("leave", JSON, nullable=False),
    Column("role", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("calendar_url", String, nullable=False),
    Column("stated", JSON, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("left_on", Date),
)

pairs = Table(
    "pairs",
    metadata,
    Column("employee", String, primary_key=True),
    Column("manager", String, primary_key=True),
    Column("since", Date, nullable=False),
    Column("ended", Date),
    Column("end_because", String),
    Column("end_facts", JSON(none_as_null=True)),
    Column("paused_until", Date),
    Column("restart_from", Date),
)

meetings = Table(
    "meetings",
    metadata,
    Column("uid", String, primary_key=True),
    Column("employee", String, nullable=False),
    Column("manager", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("zone", String, nullable=False),
    Column("state", String, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("moves", Integer, nullable=False),
    Column("refused", String),
    Column("late", Boolean, nullable=False),
    Column("because", String, nullable=False),
    Column("facts", String),
    Column("booked_at", UtcTime),
    Column("moved_from", UtcTime),
    Column("moved_at", UtcTime),
    Column("held_on", Date),
    Column("evidence", String),
    Column("replies", String),
    ForeignKeyConstraint(["employee", "manager"], ["pairs.employee", "pairs.manager"]),
    UniqueConstraint("employee", "manager", "number", "generation"),
    Index("meetings_by_end", "ends_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", String, primary_key=True),
    Column("action", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("recipient", String, nullable=False),
    Column("payload", LargeBinary),
    Column("state", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker", String),
    Column("lease_until", UtcTime),
    Column("doubtful", Boolean, nullable=False),
    Column("not_before", UtcTime, nullable=False),
    Column("id", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("owed_at", UtcTime, nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint(
        "(state = 'claimed') = (worker IS NOT NULL AND lease_until IS NOT NULL)",
        name="a_claim_has_a_holder",
    ),
    Index("outbox_by_state", "state", "action", "not_before"),
    Index("outbox_by_uid", "uid"),
    Index("outbox_by_time", "at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("worker", String, nullable=False),
    Column("until", UtcTime, nullable=False),
)

spent_numbers = Table(
    "spent_numbers",
    metadata,
    Column("token", String, primary_key=True),
    Column("number", Integer, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
)

problems = Table(
    "problems",
    metadata,
    Column("employee", String, primary_key=True),
    Column("manager", String, primary_key=True),
    Column("code", String, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("since", UtcTime, nullable=False),
)
