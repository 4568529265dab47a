"""`weigh check`: is it safe to open, is it sound?"""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _show_pages(value: bool) -> None:
    if value:
        from weighbridge.checks import CHECKS

        for each in CHECKS:
            typer.echo(f"{each.id}\n\n{each.page}\n\n")
        raise typer.Exit


@app.command()
def check(
    paths: list[Path] = typer.Argument(metavar="PATH…", help="Files or folders of weights."),
    only: list[str] = typer.Option([], "--only", metavar="ID", help="Run this check, or all of a family: safety."),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON and nothing else."),
    as_sarif: bool = typer.Option(False, "--sarif", help="Print SARIF, which code hosts show, and nothing else."),
    html: Path | None = typer.Option(None, "--html", metavar="FILE", help="Write the report as one page."),
    policy: str = typer.Option(
        "", "--policy", metavar="FILE", help="Let this policy decide what may pass; 'standard' is the one we bring."
    ),
    repo: str = typer.Option("", "--repo", metavar="ORG/NAME", help="The repository that the policy is to think of."),
    pages: bool = typer.Option(False, "--list", callback=_show_pages, is_eager=True, help="Tell what each check does."),
) -> None:
    """Check a checkpoint: is it safe to open, is it sound? Nothing in it is executed.

    Exit status: 0 clean, 1 findings, 2 something could not be read. With a policy: 0 it lets the files pass, 1 it holds
    or refuses them.
    """
    from weighbridge.checks import check as run_checks
    from weighbridge.cli import _policy
    from weighbridge.cli._report import reading
    from weighbridge.errors import UsageError

    if as_json and as_sarif:
        raise UsageError("choose one of --json and --sarif")
    if (as_json or html) and len(paths) > 1:
        raise UsageError("--json and --html are for one path", hint="Use --sarif for several.")
    if policy and only:
        raise UsageError("a policy needs every check: leave out --only")
    chosen = _policy.policy_named(policy) if policy else None
    judged = []
    for path in paths:
        with reading() as progress:
            report = run_checks(path, only=only, progress=progress)
        judged.append(_policy.judge(path, report, chosen, repo))
        if not as_sarif:
            _policy.show(judged[-1], as_json=as_json, html=html)
    if as_sarif:
        _policy.show_sarif(judged)
    raise typer.Exit(max(each.exit_status for each in judged))
