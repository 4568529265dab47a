"""A report sums up its results without ever calling doubt a pass."""

import pytest

from weighbridge.report import CheckResult, Outcome, Report, Severity


def report_of(*outcomes):
    results = tuple(CheckResult(f"check{at}", "", outcome) for at, outcome in enumerate(outcomes))
    return Report("x", results, "0", "")


@pytest.mark.parametrize(
    ("outcomes", "whole", "status"),
    [
        ([Outcome.PASS], Outcome.PASS, 0),
        ([Outcome.PASS, Outcome.SKIPPED], Outcome.PASS, 0),
        ([Outcome.SKIPPED], Outcome.SKIPPED, 0),
        ([], Outcome.SKIPPED, 0),
        ([Outcome.PASS, Outcome.FAIL], Outcome.FAIL, 1),
        ([Outcome.FAIL, Outcome.ERROR, Outcome.PASS], Outcome.ERROR, 2),
    ],
)
def test_the_whole_is_as_bad_as_its_worst_part(outcomes, whole, status):
    report = report_of(*outcomes)
    assert report.outcome is whole
    assert report.exit_status == status


def test_findings_stand_with_the_most_serious_first(report):
    assert [finding.severity for finding in report.findings] == [Severity.DANGER, Severity.WARNING]


def test_a_result_is_found_by_its_check(report):
    assert report.result("health").outcome is Outcome.FAIL
    assert report.result("nothing") is None
