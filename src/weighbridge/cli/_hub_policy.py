"""`weigh hub policy`, `weigh hub held` and `weigh hub release`: what may pass on a hub, and what waits for review."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer

from weighbridge.report.text import visible

policy = typer.Typer(no_args_is_help=True, help="What may pass: on the hub, in an organisation, in a repository.")

Data = Annotated[Path, typer.Option(help="The hub's folder.")]
Scope = Annotated[str, typer.Option("--for", metavar="ORG[/NAME]", help="Whom it is for; the whole hub if not said.")]


@policy.command("set")
def set_policy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy (spec/policy.md).")],
    data: Data,
    scope: Scope = "",
) -> None:
    """Let this policy hold from now on. What is there already is judged again by it."""
    from weighbridge.hub import Hub
    from weighbridge.policy import read_policy

    read_policy(file)  # whose errors name the file's line
    with Hub.open(data) as hub:
        kept = hub.policies.set(scope, file.read_text(encoding="utf-8-sig"), getpass.getuser())
    typer.echo(f"policy {visible(kept.name)} holds for {visible(scope) or 'the hub'}: {len(kept.rules)} rules")


@policy.command("list")
def list_policies(data: Data, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the policies that hold. A hub without one has the standard policy."""
    from weighbridge.hub import Hub

    with Hub.open(data) as hub:
        kept = hub.policies.list()
    if as_json:
        plain = [{"for": each.scope, "by": each.author, "since": each.updated.isoformat()} for each in kept]
        typer.echo(json.dumps(plain))
        return
    if all(each.scope for each in kept):
        typer.echo("hub\tstandard")
    for each in kept:
        typer.echo(f"{visible(each.scope) or 'hub'}\t{visible(each.author)}\t{each.updated:%Y-%m-%d %H:%M}")


@policy.command("show")
def show_policy(data: Data, scope: Scope = "") -> None:
    """Print a policy as it was set."""
    from importlib.resources import files

    from weighbridge.errors import UsageError
    from weighbridge.hub import Hub

    with Hub.open(data) as hub:
        found = next((each.text for each in hub.policies.list() if each.scope == scope.lower()), None)
    if found is None and scope:
        raise UsageError(f"there is no policy for {scope!r}")
    standard = files("weighbridge.policy").joinpath("standard.yaml")
    typer.echo(found if found is not None else standard.read_text(encoding="utf-8"), nl=False)


@policy.command("remove")
def remove_policy(data: Data, scope: Scope = "") -> None:
    """End a policy. The hub then has the standard policy."""
    from weighbridge.hub import Hub

    with Hub.open(data) as hub:
        hub.policies.remove(scope)
    typer.echo(f"no policy of its own for {visible(scope) or 'the hub'}")


def held(data: Data, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List revisions that the policies hold or refuse, and why."""
    from weighbridge.hub import Hub

    with Hub.open(data) as hub:
        stopped = hub.gate.stopped()
    if as_json:
        plain = [
            {
                "kind": repo.kind,
                "repo": str(repo),
                "commit": state.commit,
                "action": state.action,
                "decisions": list(state.decisions),
                "released_by": state.released_by,
                "released_because": state.released_because,
            }
            for repo, state in stopped
        ]
        typer.echo(json.dumps(plain, indent=2))
        return
    for repo, state in stopped:
        released = f"  released by {visible(state.released_by)}" if state.released_by else ""
        typer.echo(f"{state.action}\t{repo.kind}\t{repo}\t{state.commit[:12]}{released}")
        for each in state.decisions[:3]:
            typer.echo(f"\t{visible(each['fact'])}: {visible(each['message'])}")


def release(
    repo: Annotated[str, typer.Argument(metavar="ORG/NAME", help="The repository.")],
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="The held commit, or a branch that is at it.")],
    data: Data,
    because: Annotated[str, typer.Option(help="Why; it is shown beside the revision.")],
    by: Annotated[str, typer.Option(help="Who looked at it; you if not said.")] = "",
    kind: Annotated[str, typer.Option(help="model, dataset or space.")] = "model",
) -> None:
    """Let a held revision pass. What is refused cannot be released: only a change of policy lets it pass."""
    from weighbridge.errors import UsageError
    from weighbridge.hub import Hub, RepoId

    owner, _, name = repo.partition("/")
    if kind not in ("model", "dataset", "space") or not name:
        raise UsageError(f"expected a model, dataset or space as ORG/NAME, found {kind} {repo!r}")
    with Hub.open(data) as hub:
        state = hub.gate.release(RepoId(kind, owner, name), revision, by or getpass.getuser(), because)  # type: ignore[arg-type]
    typer.echo(f"released {visible(repo)} at {state.commit[:12]}")
