"""People, repositories, revisions, and what each repository may refer to."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OID = sa.String(40)
SHA256 = sa.String(64)
KIND = sa.String(16)


def _repo(primary_key: bool = True) -> sa.Column[int]:
    key = sa.ForeignKey("repos.id", ondelete="CASCADE")
    return sa.Column("repo_id", NUMBER, key, primary_key=primary_key, nullable=False)


def upgrade() -> None:
    _people()
    _repos()
    _revisions()
    _contents()


def downgrade() -> None:
    raise NotImplementedError("restore the database from a copy made before the upgrade")


def _people() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("folded", sa.String(96), nullable=False, unique=True),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("fullname", sa.String(256), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "members",
        sa.Column("organisation", NUMBER, sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_id", NUMBER, sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("role", KIND, nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("user_id", NUMBER, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("role", KIND, nullable=False),
        sa.Column("hash", SHA256, nullable=False, unique=True),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.UniqueConstraint("user_id", "name"),
    )


def _repos() -> None:
    op.create_table(
        "repos",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("owner", NUMBER, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("folded", sa.String(96), nullable=False),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("modified", sa.DateTime, nullable=False),
        sa.Column("downloads", NUMBER, nullable=False),
        sa.Column("pipeline_tag", sa.String(96), nullable=False),
        sa.Column("library_name", sa.String(96), nullable=False),
        sa.UniqueConstraint("kind", "owner", "folded"),
    )
    op.create_index("repos_modified", "repos", ["kind", "modified"])
    op.create_table("card_tags", _repo(), sa.Column("tag", sa.String(128), primary_key=True))
    op.create_index("card_tags_tag", "card_tags", ["tag"])
    op.create_table(
        "moved",
        sa.Column("kind", KIND, primary_key=True),
        sa.Column("folded", sa.String(193), primary_key=True),
        _repo(primary_key=False),
    )


def _revisions() -> None:
    op.create_table(
        "commits",
        _repo(),
        sa.Column("oid", OID, primary_key=True),
        sa.Column("tree", OID, nullable=False),
        sa.Column("parent", OID, nullable=False),
        sa.Column("author", sa.String(96), nullable=False),
        sa.Column("date", sa.DateTime, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_table(
        "refs",
        _repo(),
        sa.Column("kind", KIND, primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("target", OID, nullable=False),
    )
    op.create_table(
        "nodes",
        _repo(),
        sa.Column("tree", OID, primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("oid", OID, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("sha256", SHA256, nullable=False),
        sa.Column("lfs", sa.Boolean, nullable=False),
    )


def _contents() -> None:
    op.create_table(
        "objects",
        _repo(),
        sa.Column("sha256", SHA256, primary_key=True),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("added", sa.DateTime, nullable=False),
    )
    op.create_table(
        "reports",
        _repo(),
        sa.Column("commit_oid", OID, primary_key=True),
        sa.Column("status", KIND, nullable=False),
        sa.Column("sha256", SHA256, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("updated", sa.DateTime, nullable=False),
    )
    op.create_index("reports_status", "reports", ["status"])
