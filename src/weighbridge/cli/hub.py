"""`weigh hub`: a hub's users, organisations and tokens, also while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weighbridge.cli._hub_gc import gc
from weighbridge.cli._hub_policy import held, policy, release

if TYPE_CHECKING:
    from weighbridge.hub import Role as Part
    from weighbridge.hub.people import People

app = typer.Typer(no_args_is_help=True, help="Manage a hub's users, organisations and tokens, and free room.")
user = typer.Typer(no_args_is_help=True, help="Users.")
org = typer.Typer(no_args_is_help=True, help="Organisations and who has a part in them.")
token = typer.Typer(no_args_is_help=True, help="Tokens, by which programs speak for a user.")
app.command()(gc)
app.command()(held)
app.command()(release)
app.add_typer(policy, name="policy")
app.add_typer(user, name="user")
app.add_typer(org, name="org")
app.add_typer(token, name="token")

Data = Annotated[Path, typer.Option(help="The hub's folder.")]
Role = Annotated[str, typer.Option(help="read or write.")]
Name = Annotated[str, typer.Argument(metavar="NAME")]
FullName = Annotated[str, typer.Option(help="The name as people say it.")]


@contextmanager
def _people(data: Path, *, create: bool = False) -> Iterator[People]:
    from weighbridge.hub import Hub

    with Hub.open(data, create=create) as hub:
        yield hub.people


def _role(text: str) -> Part:
    from weighbridge.errors import UsageError
    from weighbridge.hub import Role

    if text not in tuple(Role):
        raise UsageError(f"there is no role {text!r}; expected one of {', '.join(Role)}")
    return Role(text)


@user.command("add")
def add_user(name: Name, data: Data, fullname: FullName = "") -> None:
    """Add a user. Makes the hub's folder where there is none."""
    with _people(data, create=True) as people:
        typer.echo(f"user {people.add_user(name, fullname).name}")


@user.command("list")
def list_accounts(data: Data, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List users and organisations."""
    with _people(data) as people:
        accounts = people.accounts()
    if as_json:
        typer.echo(json.dumps([{"name": each.name, "kind": each.kind, "fullname": each.fullname} for each in accounts]))
    else:
        for each in accounts:
            typer.echo(f"{each.kind}\t{each.name}\t{each.fullname}")


@org.command("add")
def add_organisation(name: Name, data: Data, fullname: FullName = "") -> None:
    """Add an organisation. Makes the hub's folder where there is none."""
    with _people(data, create=True) as people:
        typer.echo(f"organisation {people.add_organisation(name, fullname).name}")


@org.command("member")
def add_member(
    organisation: Annotated[str, typer.Argument(metavar="ORGANISATION")],
    user: Annotated[str, typer.Argument(metavar="USER")],
    data: Data,
    role: Annotated[str, typer.Option(help="read, write or admin.")] = "write",
    remove: Annotated[bool, typer.Option("--remove", help="End the user's part.")] = False,
) -> None:
    """Give a user a part in an organisation, change it, or end it."""
    with _people(data) as people:
        if remove:
            people.remove_member(organisation, user)
        else:
            people.add_member(organisation, user, _role(role))
        for name, part in people.members(organisation):
            typer.echo(f"{name}\t{part}")


@token.command("create")
def create_token(
    user: Annotated[str, typer.Option(help="Whom the token speaks for.")],
    data: Data,
    role: Role = "write",
    name: Annotated[str, typer.Option(help="What to call it; a name is made up where none is given.")] = "",
) -> None:
    """Make a token, and print it and nothing else: it cannot be shown again."""
    with _people(data) as people:
        typer.echo(people.create_token(user, _role(role), name))


@token.command("list")
def list_tokens(
    data: Data,
    user: Annotated[str | None, typer.Option(help="Only this user's.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """List tokens, without their secrets."""
    with _people(data) as people:
        tokens = people.tokens(user)
    if as_json:
        plain = [
            {"user": each.user, "name": each.name, "role": each.role, "created": each.created.isoformat()}
            for each in tokens
        ]
        typer.echo(json.dumps(plain))
    else:
        for each in tokens:
            typer.echo(f"{each.user}\t{each.name}\t{each.role}\t{each.created:%Y-%m-%d %H:%M}")


@token.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(metavar="TOKEN_NAME")],
    user: Annotated[str, typer.Option(help="Whose token it is.")],
    data: Data,
) -> None:
    """End a token by its name. It stops working at once."""
    with _people(data) as people:
        people.revoke(user, name)
        typer.echo(f"revoked {name}")
