"""Every address the pages use. What a page links to is built here and nowhere else, so that quoting is right once.

Owners' names begin with a letter or a digit, so ``/-/`` is ours alone.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from weighbridge.hub.model import RepoId, RepoKind

HOME = "/"
SIGN_IN = "/-/sign-in"
SIGN_OUT = "/-/sign-out"
STATIC = "/-/static"
PREFIX: dict[RepoKind, str] = {"model": "", "dataset": "/datasets", "space": "/spaces"}
LISTS: dict[RepoKind, str] = {"model": "/", "dataset": "/datasets", "space": "/spaces"}


def account(name: str) -> str:
    return f"/{quote(name, safe='')}"


def repo(repo: RepoId) -> str:
    return f"{PREFIX[repo.kind]}/{quote(repo.owner, safe='')}/{quote(repo.name, safe='')}"


def at(repo_id: RepoId, page: str, revision: str, path: str = "", **query: str | int) -> str:
    """A page of a repository at a revision: ``/org/model/tree/main/folder``. Empty query values are left out."""
    address = f"{repo(repo_id)}/{page}/{quote(revision, safe='')}"
    if path:
        address += f"/{quote(path, safe='/')}"
    return with_query(address, **query)


def commit(repo_id: RepoId, oid: str) -> str:
    return f"{repo(repo_id)}/commit/{quote(oid, safe='')}"


def report_json(repo_id: RepoId, revision: str) -> str:
    """The report as programs read it."""
    name = f"{quote(repo_id.owner, safe='')}/{quote(repo_id.name, safe='')}"
    return f"/api/{repo_id.kind}s/{name}/report/{quote(revision, safe='')}"


def with_query(address: str, **query: str | int) -> str:
    asked = {key: value for key, value in query.items() if value not in ("", 0)}
    return f"{address}?{urlencode(asked)}" if asked else address


def local(address: str) -> str:
    """`address` if it leads to this hub, the home page otherwise: where to go after signing in.

    A browser reads ``//host`` and ``/\\host`` as another host, and drops tabs and line ends before it looks.
    """
    plain = address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else HOME
