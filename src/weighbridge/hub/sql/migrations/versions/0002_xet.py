"""What came through Xet: xorbs, who sent them, and where their chunks lie."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HASH = sa.LargeBinary(32)
SHA256 = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "xet_xorbs",
        sa.Column("hash", HASH, primary_key=True),
        sa.Column("chunks", sa.LargeBinary, nullable=False),
    )
    op.create_table("xet_holders", _xorb(), _account())
    op.create_table(
        "xet_runs",
        _xorb(),
        sa.Column("first", NUMBER, primary_key=True),
        sa.Column("last", NUMBER, primary_key=True),
        sa.Column("sha256", SHA256, nullable=False),
        sa.Column("start", NUMBER, nullable=False),
    )
    op.create_index("ix_xet_runs_sha256", "xet_runs", ["sha256"])
    op.create_table(
        "xet_files",
        sa.Column("hash", HASH, primary_key=True),
        sa.Column("sha256", SHA256, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("spans", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_xet_files_sha256", "xet_files", ["sha256"])
    op.create_table("xet_realms", _account(), sa.Column("epoch", NUMBER, nullable=False))


def downgrade() -> None:
    raise NotImplementedError("restore the database from a copy made before the upgrade")


def _xorb() -> sa.Column[bytes]:
    return sa.Column("xorb", HASH, sa.ForeignKey("xet_xorbs.hash", ondelete="CASCADE"), primary_key=True)


def _account() -> sa.Column[int]:
    key = sa.ForeignKey("accounts.id", ondelete="CASCADE")
    return sa.Column("account_id", NUMBER, key, primary_key=True, nullable=False)
