"""Nights with a time budget: how many repairs it left untried."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; nights before had no budget."""
    op.add_column("run", sa.Column("unreached", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("run", "unreached")
