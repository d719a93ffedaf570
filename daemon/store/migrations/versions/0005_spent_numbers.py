"""Which numbers the pairs of the erased have used, under names only the web secret can make."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spent_numbers",
        sa.Column("token", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
