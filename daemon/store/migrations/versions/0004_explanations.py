"""Why a talk is when it is, or why there is none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "explanations",
        sa.Column("employee", sa.String, primary_key=True),
        sa.Column("manager", sa.String, primary_key=True),
        sa.Column("track", sa.String, primary_key=True),
        sa.Column("said", sa.JSON, nullable=False),
    )
