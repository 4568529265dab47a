"""What a collection of garbage needs: content on its way in, and since when commits are out of reach."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    identity = op.create_table("identity", sa.Column("id", sa.String(32), primary_key=True))
    op.bulk_insert(identity, [{"id": uuid.uuid4().hex}])
    op.create_table(
        "arrivals",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
    )
    op.create_index("arrivals_sha256", "arrivals", ["sha256"])
    op.create_table(
        "unreached",
        sa.Column("repo_id", NUMBER, sa.ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("commit_oid", sa.String(40), primary_key=True),
        sa.Column("since", sa.DateTime, nullable=False),
    )
    for table in ("nodes", "objects", "reports"):  # a collection asks who names a content
        op.create_index(f"{table}_sha256", table, ["sha256"])


def downgrade() -> None:
    raise NotImplementedError("restore the database from a copy made before the upgrade")
