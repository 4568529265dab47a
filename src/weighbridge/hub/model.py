"""The hub's nouns: frozen values that services take and return."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

RepoKind = Literal["model", "dataset", "space"]


class Role(StrEnum):
    """What a token may do, and what a member may do in an organisation."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """A user or an organisation; both share one space of names, since both own repositories."""

    name: str
    kind: Literal["user", "organisation"]
    fullname: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. `user` is None for anonymous; `role` is the token's; `organisations` maps name to role."""

    user: str | None = None
    role: Role = Role.READ
    token_name: str = ""
    organisations: tuple[tuple[str, Role], ...] = ()


ANONYMOUS = Caller()


@dataclass(frozen=True, slots=True)
class RepoId:
    """``owner/name``, and what kind of repository it is. The same name may exist once for each kind."""

    kind: RepoKind
    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository as lists show it. `head` is the newest commit of main; tags and the rest are what its card says."""

    id: RepoId
    private: bool
    created: datetime
    modified: datetime
    head: str
    downloads: int = 0
    tags: tuple[str, ...] = ()
    pipeline_tag: str = ""
    library_name: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """One revision. `oid` is the git commit id: sha1 over tree, parents, author, date and message."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    date: datetime
    title: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Ref:
    kind: Literal["branch", "tag"]
    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder at a revision.

    `oid` is the git object id (blob, or the LFS pointer's blob for a large file, or tree); `sha256` names the content
    in the store. `last_commit` is filled in only where it was asked for.
    """

    path: str
    kind: Literal["file", "directory"]
    oid: str
    size: int = 0
    sha256: str = ""
    lfs: bool = False
    last_commit: Commit | None = None


@dataclass(frozen=True, slots=True)
class AddFile:
    """Put small content, sent with the commit itself, at `path`."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class AddStored:
    """Put content that was uploaded before at `path`, by its sha256."""

    path: str
    sha256: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteFile:
    path: str


@dataclass(frozen=True, slots=True)
class DeleteFolder:
    path: str


Operation = AddFile | AddStored | DeleteFile | DeleteFolder
