"""Floors of series, and how far long tasks have come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "floors",
        sa.Column("family", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(2000), primary_key=True),
        sa.Column("floor", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "progress",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
    )
