"""What people say of revisions that they reproduced."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reproductions",
        sa.Column("repo_id", _NUMBER, sa.ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("commit_oid", sa.String(40), primary_key=True),
        sa.Column("account_id", _NUMBER, sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("received", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the database from a copy made before the upgrade")
