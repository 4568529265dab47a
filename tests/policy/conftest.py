"""Reports as checks would give them."""

import pytest

from weighbridge.policy import Load, SignatureFact, SignatureState, parse_policy
from weighbridge.report import CheckResult, Finding, Outcome, Report, Severity


@pytest.fixture
def report_of():
    def make(*findings, outcome=Outcome.PASS, check="safety.pickle"):
        made = tuple(Finding(code, Severity(severity), f"about {code}", where) for code, severity, where in findings)
        result = CheckResult(check, "title", Outcome.FAIL if made else outcome, made)
        return Report("model", (result,), "0", "2026-11-24T00:00:00+00:00")

    return make


@pytest.fixture
def load_with(report_of):
    def make(*findings, signature="missing", repo="", formats=None, **options):
        fact = SignatureFact(SignatureState(signature))
        licenses = options.pop("license", ())
        return Load(report_of(*findings, **options), licenses, fact, repo, formats or {})

    return make


@pytest.fixture
def policy_of():
    def make(rules, more=""):
        return parse_policy(f"version: 1\nname: test\nrules:\n{rules}\n{more}", "test.yaml")

    return make
