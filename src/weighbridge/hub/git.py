"""Git's own object ids, without git: what a blob, a tree and a commit are called.

Clients compare these with what they compute themselves, and a git front end can be put before the hub without
renaming anything. tests/hub/test_git.py holds them against the real git.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LFS_POINTER_MOST = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n?"
)
_MODES = {"file": b"100644", "directory": b"40000"}


@dataclass(frozen=True, slots=True)
class Node:
    """One name in one folder. `sha256` and `lfs` are for files; git knows only `name`, `kind` and `oid`."""

    name: str
    kind: Literal["file", "directory"]
    oid: str
    size: int = 0
    sha256: str = ""
    lfs: bool = False


def object_oid(kind: str, content: bytes) -> str:
    header = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def blob_oid(content: bytes) -> str:
    return object_oid("blob", content)


def lfs_pointer(sha256: str, size: int) -> bytes:
    """The small text that git keeps in place of a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def parse_lfs_pointer(content: bytes) -> tuple[str, int] | None:
    """sha256 and size, if `content` is a pointer to a large file."""
    found = _POINTER.fullmatch(content) if len(content) <= LFS_POINTER_MOST else None
    return (found[1].decode(), int(found[2])) if found else None


def tree_oid(nodes: Iterable[Node]) -> str:
    """The id of a folder. Git sorts by bytes, a folder as if its name ended with a slash."""
    return object_oid("tree", b"".join(_line(node) for node in in_order(nodes)))


def _line(node: Node) -> bytes:
    return _MODES[node.kind] + b" " + node.name.encode() + b"\0" + bytes.fromhex(node.oid)


def in_order(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (node.name + "/" if node.kind == "directory" else node.name).encode())


def commit_oid(tree: str, parents: Iterable[str], author: str, date: datetime, message: str) -> str:
    """The id of a revision; `date` counts in whole seconds, `author` is the account's name."""
    who = f"{author} <{author}@users.noreply.weighbridge> {int(date.timestamp())} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
    return object_oid("commit", ("\n".join(lines) + "\n\n" + message).encode(errors="replace"))


EMPTY_TREE = tree_oid([])
