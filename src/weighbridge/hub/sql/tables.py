"""What is kept. Each class is one table; a change here needs a migration (migrations/versions)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Index, Integer, String, Text, TypeDecorator
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

OID = String(40)
SHA256 = String(64)
# SQLite numbers rows by itself only where the key is called INTEGER.
_Number = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC: SQLite keeps no zone, so it is put back when a row is read."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime(), int: _Number}


class AccountRow(Base):
    """A user or an organisation. `folded` is the name in lower case: no two accounts differ by case alone."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(96))
    folded: Mapped[str] = mapped_column(String(96), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    fullname: Mapped[str] = mapped_column(String(256))
    created: Mapped[datetime]


class MemberRow(Base):
    """A user's part in an organisation."""

    __tablename__ = "members"

    organisation: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    user: Mapped[int] = mapped_column("user_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))


class TokenRow(Base):
    """A token, by its hash alone: who reads this table can sign in as nobody."""

    __tablename__ = "tokens"
    __table_args__ = (Unique("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user: Mapped[int] = mapped_column("user_id", ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(96))
    role: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(SHA256, unique=True)
    created: Mapped[datetime]


class RepoRow(Base):
    __tablename__ = "repos"
    __table_args__ = (Unique("kind", "owner", "folded"), Index("repos_modified", "kind", "modified"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    owner: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(96))
    folded: Mapped[str] = mapped_column(String(96))
    private: Mapped[bool]
    created: Mapped[datetime]
    modified: Mapped[datetime]
    downloads: Mapped[int] = mapped_column(default=0)
    pipeline_tag: Mapped[str] = mapped_column(String(96), default="")
    library_name: Mapped[str] = mapped_column(String(96), default="")


class TagRow(Base):
    """What a repository's card says it is about. Rebuilt from README.md whenever the branch main moves."""

    __tablename__ = "card_tags"
    __table_args__ = (Index("card_tags_tag", "tag"),)

    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(128), primary_key=True)


class MovedRow(Base):
    """Where a repository used to be, so that its old name still finds it."""

    __tablename__ = "moved"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    folded: Mapped[str] = mapped_column(String(193), primary_key=True)
    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"))


class CommitRow(Base):
    """One revision. `parent` is "" for the first; every history here is a line."""

    __tablename__ = "commits"

    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[str] = mapped_column(OID, primary_key=True)
    tree: Mapped[str] = mapped_column(OID)
    parent: Mapped[str] = mapped_column(OID)
    author: Mapped[str] = mapped_column(String(96))
    date: Mapped[datetime]
    title: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)


class RefRow(Base):
    __tablename__ = "refs"

    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    target: Mapped[str] = mapped_column(OID)


class NodeRow(Base):
    """One name in one folder (tree). Trees are kept once for each repository, whatever number of commits share them.

    They are not shared between repositories: a tree's id covers the ids of git blobs, which are sha1, and a file made
    to collide with another's must not be able to take its place elsewhere.
    """

    __tablename__ = "nodes"
    __table_args__ = (Index("nodes_sha256", "sha256"),)

    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    tree: Mapped[str] = mapped_column(OID, primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    oid: Mapped[str] = mapped_column(OID)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(SHA256)
    lfs: Mapped[bool]


class ObjectRow(Base):
    """Content that a repository was given, by an upload or a commit, and may therefore refer to.

    `added` is when it was last given or asked for: what no commit names within a day from then is taken away again.
    """

    __tablename__ = "objects"
    __table_args__ = (Index("objects_sha256", "sha256"),)

    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    sha256: Mapped[str] = mapped_column(SHA256, primary_key=True)
    size: Mapped[int]
    added: Mapped[datetime]


class ReportRow(Base):
    """What the checks said of a revision: pending, ready (then `sha256` names the JSON in the store) or failed.

    `ruling` is what the policies decided on it, "" before they have; `ruled_by` is a digest of those policies, and
    `examined_by` of what examined it. Who let a held revision pass is in `released_by`.
    """

    __tablename__ = "reports"
    __table_args__ = (Index("reports_status", "status"), Index("reports_sha256", "sha256"))

    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    commit: Mapped[str] = mapped_column("commit_oid", OID, primary_key=True)
    status: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(SHA256)
    reason: Mapped[str] = mapped_column(Text)
    updated: Mapped[datetime]
    examined_by: Mapped[str] = mapped_column(String(64), default="")
    ruling: Mapped[str] = mapped_column(String(16), default="")
    decisions: Mapped[str] = mapped_column(Text, default="[]")
    signature: Mapped[str] = mapped_column(Text, default="{}")
    ruled_by: Mapped[str] = mapped_column(String(64), default="")
    released_by: Mapped[str] = mapped_column(String(96), default="")
    released_because: Mapped[str] = mapped_column(Text, default="")


class PolicyRow(Base):
    """What may pass on this hub (scope ""), in an organisation or in a repository (in lower case)."""

    __tablename__ = "policies"

    scope: Mapped[str] = mapped_column(String(193), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(96))
    updated: Mapped[datetime]


class ReproductionRow(Base):
    """Somebody's signed word on how a revision came out when it was reproduced: `bundle` as it arrived, and `key`, the
    public key (PEM) that checks it. One for each user and revision, the newest."""

    __tablename__ = "reproductions"

    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    commit: Mapped[str] = mapped_column("commit_oid", OID, primary_key=True)
    account: Mapped[int] = mapped_column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    bundle: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    received: Mapped[datetime]


class ArrivalRow(Base):
    """Content that somebody is about to rely on, and no other row may name yet. A collection leaves it alone."""

    __tablename__ = "arrivals"
    __table_args__ = (Index("arrivals_sha256", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(SHA256)
    since: Mapped[datetime]


class UnreachedRow(Base):
    """A commit that no branch or tag leads to, and when a collection first found it so."""

    __tablename__ = "unreached"

    repo: Mapped[int] = mapped_column("repo_id", ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    commit: Mapped[str] = mapped_column("commit_oid", OID, primary_key=True)
    since: Mapped[datetime]


class IdentityRow(Base):
    """The one row that tells this hub from others."""

    __tablename__ = "identity"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
