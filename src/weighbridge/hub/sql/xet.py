"""Tables of what came through Xet: xorbs and their chunks, who sent them, and where the chunks lie now.

Chunks are not rows: a xorb of a thousand chunks is one row here and, in most files, one run.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from weighbridge.hub.sql.tables import SHA256, Base

_HASH = LargeBinary(32)


class XorbRow(Base):
    """A xorb that was checked when it came. `chunks` is a packed `ChunkTable`."""

    __tablename__ = "xet_xorbs"

    hash: Mapped[bytes] = mapped_column(_HASH, primary_key=True)
    chunks: Mapped[bytes] = mapped_column(LargeBinary)


class HolderRow(Base):
    """An account that has sent this whole xorb, and so may refer to its chunks."""

    __tablename__ = "xet_holders"

    xorb: Mapped[bytes] = mapped_column(_HASH, ForeignKey("xet_xorbs.hash", ondelete="CASCADE"), primary_key=True)
    account: Mapped[int] = mapped_column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)


class RunRow(Base):
    """Consecutive chunks of a xorb that lie in a stored file."""

    __tablename__ = "xet_runs"

    xorb: Mapped[bytes] = mapped_column(_HASH, ForeignKey("xet_xorbs.hash", ondelete="CASCADE"), primary_key=True)
    first: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(SHA256, index=True)
    start: Mapped[int]


class FileRow(Base):
    """A file's Xet hash, the stored file that it became, and its spans, packed (`XetFile.pack`)."""

    __tablename__ = "xet_files"

    hash: Mapped[bytes] = mapped_column(_HASH, primary_key=True)
    sha256: Mapped[str] = mapped_column(SHA256, index=True)
    size: Mapped[int]
    spans: Mapped[bytes] = mapped_column(LargeBinary)


class RealmRow(Base):
    """How often an account's clients were told to forget what they remember of this hub."""

    __tablename__ = "xet_realms"

    account: Mapped[int] = mapped_column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int]
