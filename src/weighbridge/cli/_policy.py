"""What `weigh check` shows of a report, and of what a policy decided: on a terminal, as JSON or as SARIF."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from weighbridge import __version__
from weighbridge.cli._report import deliver
from weighbridge.policy import Action, Policy, Ruling, decide, load_of, read_policy, standard
from weighbridge.report import Report
from weighbridge.report.sarif import SarifResult, findings_as_results, to_sarif
from weighbridge.report.serial import to_plain
from weighbridge.report.terminal import show_check
from weighbridge.report.text import visible

_WORDS = {
    Action.ALLOW: "allowed",
    Action.WARN: "allowed, with warnings",
    Action.HOLD: "HELD for review",
    Action.REFUSE: "REFUSED",
}
_LEVELS = {Action.WARN: "warning", Action.HOLD: "error", Action.REFUSE: "error"}


@dataclass(frozen=True, slots=True)
class Judged:
    """A report, and what the policy (None: there is none) decided on it."""

    path: Path
    report: Report
    policy: str = ""
    ruling: Ruling | None = None

    @property
    def exit_status(self) -> int:
        return self.report.exit_status if self.ruling is None else int(self.ruling.stops)


def policy_named(name: str) -> Policy:
    """The policy in this file, or `standard`, which comes with Weighbridge."""
    return standard() if name == "standard" and not Path(name).exists() else read_policy(Path(name))


def judge(path: Path, report: Report, policy: Policy | None, repo: str) -> Judged:
    if policy is None:
        return Judged(path, report)
    return Judged(path, report, policy.name, decide(policy, load_of(path, report, policy, repo=repo)))


def show(judged: Judged, *, as_json: bool, html: Path | None) -> None:
    """On the terminal or as JSON; and the report as a page in `html`."""
    ruling = judged.ruling
    if ruling is None:
        deliver(judged.report, show_check, as_json=as_json, html=html)
    elif as_json:
        deliver(judged.report, lambda *_: typer.echo(_json(judged, ruling)), as_json=False, html=html)
    else:
        deliver(judged.report, show_check, as_json=False, html=html)
        _show_ruling(judged.policy, ruling)


def show_sarif(judged: Iterable[Judged]) -> None:
    """Findings; with a policy what it decided instead, on other facts too: what it lets pass is left out."""
    results = (result for each in judged for result in _results(each))
    typer.echo(json.dumps(to_sarif(results, __version__), indent=2))


def _show_ruling(policy: str, ruling: Ruling) -> None:
    typer.echo(f"\nPolicy {visible(policy)}: {_WORDS[ruling.action]}")
    for each in ruling.decisions:
        at = f" in {visible(each.where)}" if each.where else ""
        fact = each.fact if each.subject == "finding" else f"{each.subject} {each.fact}"
        because = f": {visible(each.because)}" if each.because else ""
        typer.echo(f"  {each.action.upper():6}  {visible(fact)}{at}")
        typer.echo(f"          {visible(each.message)}")
        typer.echo(f"          rule {visible(each.rule)}{because}")


def _json(judged: Judged, ruling: Ruling) -> str:
    whole = {
        "policy": judged.policy,
        "action": str(ruling.action),
        "decisions": [decision.to_json() for decision in ruling.decisions],
        "report": to_plain(judged.report),
    }
    return json.dumps(whole, indent=2, allow_nan=False)


def _results(judged: Judged) -> Iterator[SarifResult]:
    found = findings_as_results(judged.report) if judged.ruling is None else _decided(judged.ruling)
    for each in found:
        path = judged.path / each.file if judged.path.is_dir() else judged.path
        yield replace(each, file=path.as_posix())


def _decided(ruling: Ruling) -> Iterator[SarifResult]:
    for each in ruling.decisions:
        because = f" {each.because}" if each.because else ""
        file, _, place = each.where.partition(", ")
        yield SarifResult(
            each.fact if each.subject == "finding" else f"policy.{each.subject}",
            _LEVELS[each.action],
            f"{each.message}.{because} (policy {each.policy}, rule {each.rule}: {each.action})",
            file,
            place,
        )
