"""From facts to a ruling: of the rules that match a fact the first decides, and the strictest decision counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from weighbridge.policy.load import NO_LICENSE, Load
from weighbridge.policy.model import Action, Policy, Rule
from weighbridge.report import CheckResult, Finding


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule says of one fact. `subject` is its kind, `fact` its value: a finding's code, a format …"""

    action: Action
    policy: str
    rule: str
    subject: str
    fact: str
    message: str
    where: str = ""
    because: str = ""

    def to_json(self) -> dict[str, str]:
        return {
            "action": str(self.action),
            "policy": self.policy,
            "rule": self.rule,
            "subject": self.subject,
            "fact": self.fact,
            "message": self.message,
            "where": self.where,
            "because": self.because,
        }


@dataclass(frozen=True, slots=True)
class Ruling:
    """What happens to the load, and why: every decision but those that allow."""

    action: Action
    decisions: tuple[Decision, ...] = ()

    @property
    def stops(self) -> bool:
        return self.action.stops


@dataclass(frozen=True, slots=True)
class _Fact:
    subject: str
    value: str
    message: str
    where: str = ""
    finding: Finding | None = None
    result: CheckResult | None = None


def decide(policy: Policy, load: Load) -> Ruling:
    """What this policy says of this load."""
    return strictest([policy], load)


def strictest(policies: Iterable[Policy], load: Load) -> Ruling:
    """What several policies say together: none can soften another (a hub's, an organisation's, a repository's)."""
    facts = list(_facts(load))
    found = [decision for policy in policies for fact in facts for decision in _decide(policy, load, fact)]
    told = sorted((each for each in found if each.action is not Action.ALLOW), key=lambda each: -each.action.strictness)
    return Ruling(told[0].action if told else Action.ALLOW, tuple(told))


def _facts(load: Load) -> Iterator[_Fact]:
    for finding in load.report.findings:
        yield _Fact("finding", finding.code, finding.message, finding.where, finding=finding)
    for result in load.report.results:
        said = result.reason or f"the check ended with {result.outcome}"
        yield _Fact("check", result.check, said, result=result)
    for name, kind in load.formats.items():
        yield _Fact("format", kind, f"the file has the format {kind}", name)
    for license_ in load.license or (NO_LICENSE,):
        said = "the card declares no licence" if license_ == NO_LICENSE else f"the card declares the licence {license_}"
        yield _Fact("license", license_, said)
    signature = load.signature
    said = signature.detail or {"valid": f"signed by {signature.signer}"}.get(signature.state, "there is no signature")
    yield _Fact("signature", str(signature.state), said)


def _decide(policy: Policy, load: Load, fact: _Fact) -> Iterator[Decision]:
    for number, rule in enumerate(policy.rules, 1):
        if _matches(rule, fact) and (not rule.repo or _any(rule.repo, load.repo)):
            name = rule.name or f"rule {number}"
            yield Decision(
                rule.action, policy.name, name, fact.subject, fact.value, fact.message, fact.where, rule.because
            )
            return


def _matches(rule: Rule, fact: _Fact) -> bool:
    if rule.subject != fact.subject or not _any(getattr(rule, fact.subject), fact.value):
        return False
    if fact.finding is not None:
        return (not rule.severity or fact.finding.severity in rule.severity) and (
            not rule.where or _any(rule.where, fact.where)
        )
    return fact.result is None or not rule.outcome or fact.result.outcome in rule.outcome


def _any(patterns: Iterable[str], value: str) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)
