"""The samples of other scanners, judged without loading any. They are not part of this repository."""

import json
from pathlib import Path

import pytest

from weighbridge.checks import check
from weighbridge.report import Outcome

ROOT = Path(__file__).resolve().parents[3] / "shared" / "data" / "safety"
# What later issues judge: templates, other formats' programs, cross-site scripting in documents.
NOT_YET = ("template-ssti", "docs-xss", "jinja")

if not ROOT.is_dir():
    pytest.skip("the samples are not here", allow_module_level=True)

SAMPLES = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))["samples"]


def reports(kind):
    """Every sample of a kind, checked for safety."""
    for sample in SAMPLES:
        if sample["kind"] == kind:
            yield sample["path"], check(ROOT / sample["path"], only=["safety"])


def test_nothing_malicious_is_called_clean():
    judged = {path: report.exit_status for path, report in reports("malicious") if not any(x in path for x in NOT_YET)}
    assert len(judged) > 250
    assert [path for path, status in judged.items() if status == 0] == []


def test_nothing_benign_is_accused():
    judged = {path: report.exit_status for path, report in reports("benign")}
    assert len(judged) > 50
    assert [path for path, status in judged.items() if status == 1] == []


def test_no_sample_crashes_a_check():
    crashed = [
        (path, result.check, result.reason)
        for kind in ("malicious", "benign")
        for path, report in reports(kind)
        for result in report.results
        if result.outcome is Outcome.ERROR and result.reason.startswith("the check itself failed")
    ]
    assert crashed == []
