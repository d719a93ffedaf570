"""People, pairs, meetings, what is owed, and small facts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def instant() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("email", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("manager", sa.String),
        sa.Column("zone", sa.String, nullable=False),
        sa.Column("hours", sa.JSON, nullable=False),
        sa.Column("country", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("start_date", sa.Date),
        sa.Column("leave", sa.JSON, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("calendar_url", sa.String, nullable=False),
        sa.Column("stated", sa.JSON, nullable=False),
        sa.Column("changed_at", instant(), nullable=False),
        sa.Column("left_on", sa.Date),
    )
    op.create_table(
        "pairs",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("ended", sa.Date),
        sa.Column("end_because", sa.String),
        sa.Column("end_facts", sa.JSON),
        sa.Column("paused_until", sa.Date),
        sa.Column("restart_from", sa.Date),
    )
    op.create_table(
        "meetings",
        sa.Column("uid", sa.String, primary_key=True),
        sa.Column("employee", sa.String, nullable=False),
        sa.Column("manager", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("starts_at", instant(), nullable=False),
        sa.Column("ends_at", instant(), nullable=False),
        sa.Column("zone", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("moves", sa.Integer, nullable=False),
        sa.Column("refused", sa.String),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("because", sa.String, nullable=False),
        sa.Column("facts", sa.String),
        sa.Column("booked_at", instant()),
        sa.Column("moved_from", instant()),
        sa.Column("moved_at", instant()),
        sa.Column("held_on", sa.Date),
        sa.Column("evidence", sa.String),
        sa.Column("replies", sa.String),
        sa.ForeignKeyConstraint(["employee", "manager"], ["pairs.employee", "pairs.manager"]),
        sa.UniqueConstraint("employee", "manager", "number", "generation"),
    )
    op.create_index("meetings_by_end", "meetings", ["ends_at"])
    op.create_table(
        "outbox",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("uid", sa.String, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("payload", sa.LargeBinary),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("worker", sa.String),
        sa.Column("lease_until", instant()),
        sa.Column("doubtful", sa.Boolean, nullable=False),
        sa.Column("not_before", instant(), nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("owed_at", instant(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.CheckConstraint(
            "(state = 'claimed') = (worker IS NOT NULL AND lease_until IS NOT NULL)",
            name="a_claim_has_a_holder",
        ),
    )
    op.create_index("outbox_by_state", "outbox", ["state", "action", "not_before"])
    op.create_index("outbox_by_uid", "outbox", ["uid"])
    op.create_index("outbox_by_time", "outbox", ["at"])
    op.create_table(
        "leases",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("worker", sa.String, nullable=False),
        sa.Column("until", instant(), nullable=False),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )
    op.create_table(
        "problems",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("since", instant(), nullable=False),
    )
