"""Which names accounts, repositories, branches, tags and files may have. Each function gives the name back or raises.

The rules for repositories are those of Hugging Face's clients (which check them before they ask), those for refs are
git's, those for files are `safe_relative_name` and git's own reserved folder.
"""

from __future__ import annotations

import re

from weighbridge.errors import InvalidNameError, UnsafePathError
from weighbridge.hub.model import RepoId
from weighbridge.tensors.names import safe_relative_name

LONGEST_ACCOUNT = 64
LONGEST_REPO_ID = 96
LONGEST_REF = 200
DEEPEST = 100
# First segments of the server's own addresses: an account of that name would be out of reach.
RESERVED = frozenset(
    (
        "admin", "anonymous", "api", "blob", "commit", "commits", "datasets", "docs", "health", "join", "login",
        "logout", "metrics", "models", "new", "none", "null", "oauth", "organizations", "raw", "resolve", "search",
        "settings", "spaces", "static", "tree", "undefined", "users", "v1", "v2", "xet",
    )
)  # fmt: skip

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?", re.ASCII)
_OID = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORBIDDEN_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_GIT_FOLDERS = frozenset({".git", "git~1"})


def account_name(name: str) -> str:
    if name.lower() in RESERVED:
        raise InvalidNameError(f"the name {name!r} is reserved", hint="Choose another name.")
    return _name(name, "account", LONGEST_ACCOUNT)


def repo_id(repo: RepoId) -> RepoId:
    _name(repo.name, "repository", LONGEST_REPO_ID)
    if len(str(repo)) > LONGEST_REPO_ID:
        raise InvalidNameError(f"{str(repo)[:120]!r} is longer than {LONGEST_REPO_ID} characters")
    if repo.name.lower().endswith(".git"):
        raise InvalidNameError(f"a repository's name may not end with '.git', as {repo.name!r} does")
    return repo


def branch_name(name: str) -> str:
    return _ref(name, "branch")


def tag_name(name: str) -> str:
    return _ref(name, "tag")


def file_path(path: str) -> str:
    """`path` as a file's place in a repository. Raises `UnsafePathError`."""
    safe_relative_name(path)
    segments = path.split("/")
    if len(segments) > DEEPEST:
        raise UnsafePathError(f"the name {path[:200]!r} lies {len(segments)} folders deep; the most is {DEEPEST}")
    for segment in segments:
        # ".git " and ".git." are the same folder to some file systems, "git~1" is its short name.
        if segment.rstrip(". ").lower() in _GIT_FOLDERS:
            raise UnsafePathError(f"the name {path[:200]!r} goes through {segment!r}, which git keeps for itself")
    return path


def is_oid(text: str) -> bool:
    return _OID.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    return _SHA256.fullmatch(text) is not None


def _name(name: str, what: str, longest: int) -> str:
    if not 1 <= len(name) <= longest:
        raise InvalidNameError(f"a name of {what} has 1 to {longest} characters, {name[:120]!r} has {len(name)}")
    if not _NAME.fullmatch(name) or "--" in name or ".." in name:
        raise InvalidNameError(
            f"{name!r} cannot be a name of {what}",
            hint="Use letters, digits, '-', '_' and '.'; no '--' or '..', and neither '-' nor '.' at the ends.",
        )
    return name


def _ref(name: str, what: str) -> str:
    segments = name.split("/")
    if not name or len(name) > LONGEST_REF:
        raise InvalidNameError(f"a {what}'s name has 1 to {LONGEST_REF} characters, not {len(name)}")
    if (
        _FORBIDDEN_IN_REF.search(name)
        or name.startswith(("-", "/", "refs/"))
        or name.endswith(("/", "."))
        or any(segment.startswith(".") or segment.endswith(".lock") for segment in segments)
        or name in ("@", "HEAD")
    ):
        raise InvalidNameError(f"git does not allow {name!r} as a {what}'s name", hint="See git check-ref-format.")
    if is_oid(name):
        raise InvalidNameError(f"{name!r} looks like a commit's id, so it cannot be a {what}'s name")
    return name
