"""What people write, agree and are asked; keys, links, sessions, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def instant() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "pair_keys",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("made_at", instant(), nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("side", sa.String, primary_key=True),
        sa.Column("item", sa.String, primary_key=True),
        sa.Column("at", instant(), nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "materials",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("employee", sa.String, nullable=False),
        sa.Column("manager", sa.String, nullable=False),
        sa.Column("item", sa.String, nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_index("materials_by_pair", "materials", ["employee", "manager"])
    op.create_table(
        "preparations",
        sa.Column("uid", sa.String, primary_key=True),
        sa.Column("at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["uid"], ["meetings.uid"]),
    )
    op.create_table(
        "statements",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("employee_at", instant()),
        sa.Column("manager_at", instant()),
        sa.Column("employee_differs", sa.Boolean, nullable=False),
        sa.Column("manager_differs", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "actions",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("progress", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "resources",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("by", sa.Date),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "records",
        sa.Column("uid", sa.String, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("employee", sa.String, nullable=False),
        sa.Column("manager", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["uid"], ["meetings.uid"]),
    )
    op.create_index("records_by_pair", "records", ["employee", "manager"])
    op.create_table(
        "requests_to_record",
        sa.Column("uid", sa.String, primary_key=True),
        sa.Column("at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["uid"], ["meetings.uid"]),
    )
    op.create_table(
        "helpers",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("uid", sa.String, nullable=False),
        sa.Column("employee", sa.String, nullable=False),
        sa.Column("manager", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("action", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("asked_at", instant(), nullable=False),
        sa.Column("expires_at", instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("helpers_by_pair", "helpers", ["employee", "manager"])
    op.create_table(
        "handovers",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("from_manager", sa.String, nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("chosen_at", instant()),
    )
    op.create_table(
        "offers",
        sa.Column("uid", sa.String, primary_key=True),
        sa.Column("rank", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("starts_at", instant(), nullable=False),
        sa.Column("ends_at", instant(), nullable=False),
    )
    op.create_table(
        "link_versions",
        sa.Column("person", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("asked_at", instant(), nullable=False),
        sa.Column("used_at", instant()),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("expires_at", instant(), nullable=False),
    )
    op.create_index("sessions_by_end", "sessions", ["expires_at"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("did", sa.String, nullable=False),
        sa.Column("employee", sa.String, nullable=False),
        sa.Column("manager", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("before", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
    )
    op.create_index("audit_by_pair", "audit", ["employee", "manager"])
