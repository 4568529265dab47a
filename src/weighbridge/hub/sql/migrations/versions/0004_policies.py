"""What policies decide on revisions. What was kept before is examined and judged anew, and until then not served."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind, default in (
        ("examined_by", sa.String(64), ""),
        ("ruling", sa.String(16), ""),
        ("decisions", sa.Text, "[]"),
        ("signature", sa.Text, "{}"),
        ("ruled_by", sa.String(64), ""),
        ("released_by", sa.String(96), ""),
        ("released_because", sa.Text, ""),
    ):
        op.add_column("reports", sa.Column(name, kind, nullable=False, server_default=default))
    op.create_table(
        "policies",
        sa.Column("scope", sa.String(193), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.String(96), nullable=False),
        sa.Column("updated", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the database from a copy made before the upgrade")
