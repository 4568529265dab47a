"""Who may do what. The only place that knows: everything else asks here.

| may                                    | anonymous | any token | member, role read | write      | admin or the owner |
|----------------------------------------|-----------|-----------|-------------------|------------|--------------------|
| read a public repository               | yes       | yes       | yes               | yes        | yes                |
| read a private one                     |           |           | yes               | yes        | yes                |
| commit, upload, make branches and tags |           |           |                   | with write | with write         |
| say how a reproduction came out        |           | with write | with write       | with write | with write         |
| see what a policy holds back           |           |           |                   | yes        | yes                |
| create a repository                    |           |           |                   | with write | with write         |
| delete, move, show or hide one         |           |           |                   |            | with write         |

"with write": the token's own role must be write too. What a caller may not read does not exist for them.
"""

from __future__ import annotations

from weighbridge.errors import ForbiddenError, RepoNotFoundError, UnauthenticatedError
from weighbridge.hub.model import Caller, RepoId, Role


def part_in(caller: Caller, owner: str) -> Role | None:
    """What the caller is in the account that owns something: None for a stranger."""
    if caller.user is None:
        return None
    if caller.user.lower() == owner.lower():
        return Role.ADMIN
    return next((role for name, role in caller.organisations if name.lower() == owner.lower()), None)


def may_read(caller: Caller, owner: str, private: bool) -> bool:
    return not private or part_in(caller, owner) is not None


def may_write(caller: Caller, owner: str) -> bool:
    return caller.role is not Role.READ and part_in(caller, owner) in (Role.WRITE, Role.ADMIN)


def may_see_held(caller: Caller, owner: str) -> bool:
    """Whether the caller sees what a policy holds back: those who may commit do, since it is for them to mend."""
    return part_in(caller, owner) in (Role.WRITE, Role.ADMIN)


def may_administer(caller: Caller, owner: str) -> bool:
    return caller.role is not Role.READ and part_in(caller, owner) is Role.ADMIN


def ensure_read(caller: Caller, repo: RepoId, private: bool) -> None:
    if not may_read(caller, repo.owner, private):
        raise not_found(repo)


def ensure_write(caller: Caller, repo: RepoId) -> None:
    _ensure(caller, may_write(caller, repo.owner), f"commit to {repo}")


def ensure_attest(caller: Caller, repo: RepoId) -> None:
    """Anybody who may read a repository may say how its reproduction came out, under their own name."""
    _ensure(caller, caller.user is not None and caller.role is not Role.READ, f"attest a reproduction of {repo}")


def ensure_administer(caller: Caller, repo: RepoId) -> None:
    _ensure(caller, may_administer(caller, repo.owner), f"delete, move or reconfigure {repo}")


def ensure_create(caller: Caller, owner: str) -> None:
    _ensure(caller, may_write(caller, owner), f"create a repository for {owner!r}")


def not_found(repo: RepoId) -> RepoNotFoundError:
    return RepoNotFoundError(f"there is no {repo.kind} {str(repo)!r} here, or it is private and you may not see it")


def _ensure(caller: Caller, allowed: bool, what: str) -> None:
    if allowed:
        return
    if caller.user is None:
        raise UnauthenticatedError(f"only a signed-in user can {what}")
    if caller.role is Role.READ:
        raise ForbiddenError(
            f"the token {caller.token_name!r} of {caller.user!r} can only read: it may not {what}",
            hint="Use a token made with --role write.",
        )
    raise ForbiddenError(f"{caller.user!r} may not {what}", hint="Ask its owner for a part in it.")
