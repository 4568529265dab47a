"""What a pickle would call is told; what is unknown is never called safe."""

import pytest

from weighbridge.checks import run
from weighbridge.errors import TruncatedError
from weighbridge.formats import FileIndex, PickleImport, PickleScan, Verdict
from weighbridge.report import Outcome, Severity


def index_with(*verdicts):
    imports = tuple(
        PickleImport("mod", f"{verdict}{at}", verdict, "because", "GLOBAL", 10 + at, called=True, arguments="'x'")
        for at, verdict in enumerate(verdicts)
    )
    return FileIndex("torch", (), pickles=(PickleScan("archive/data.pkl", 0, 99, 2, imports),))


def judge(fake, *verdicts, **more):
    return run(fake({"model.pt": index_with(*verdicts)}, **more), only=["safety.pickle"])


def test_a_dangerous_import_is_named_with_its_place(fake):
    report = judge(fake, Verdict.ALLOWED, Verdict.DANGEROUS)
    (finding,) = report.findings
    assert finding.code == "pickle.dangerous-import"
    assert finding.severity is Severity.DANGER
    assert finding.message == "loading it would call mod.dangerous1('x'): because"
    assert finding.where == "model.pt archive/data.pkl, byte 11 (GLOBAL)"
    assert "torch.load" in finding.hint
    assert finding.evidence["import"] == "mod.dangerous1"
    assert report.exit_status == 1


def test_an_unknown_import_is_never_a_pass(fake):
    report = judge(fake, Verdict.ALLOWED, Verdict.UNKNOWN)
    assert [finding.code for finding in report.findings] == ["pickle.unknown-import"]
    assert report.outcome is Outcome.FAIL


def test_only_what_is_allowed_passes_with_the_facts(fake):
    result = judge(fake, Verdict.ALLOWED).result("safety.pickle")
    assert result.outcome is Outcome.PASS
    assert result.facts == {"pickles": 1, "imports": 1, "verdicts": {"mod.allowed0": "allowed"}}


def test_no_pickle_passes_and_says_why(fake):
    result = run(fake({"a.safetensors": FileIndex("safetensors", ())}), only=["safety.pickle"]).results[0]
    assert result.outcome is Outcome.PASS
    assert result.reason == "no pickle inside: safetensors cannot carry code"


def test_dangerous_ones_come_before_unknown_ones(fake):
    report = judge(fake, Verdict.UNKNOWN, Verdict.DANGEROUS)
    assert [finding.severity for finding in report.findings] == [Severity.DANGER, Severity.WARNING]


def test_a_file_that_could_not_be_read_keeps_the_rest_from_passing(fake):
    result = judge(fake, Verdict.ALLOWED, broken={"other.pt": TruncatedError("ends early")}).results[0]
    assert result.outcome is Outcome.SKIPPED
    assert result.reason == "1 file could not be read: other.pt"


def test_nothing_to_judge_is_skipped(fake):
    assert run(fake(), only=["safety.pickle"]).results[0].outcome is Outcome.SKIPPED


@pytest.mark.parametrize("count", [19, 20, 21, 500])
def test_however_many_there_are_the_report_stays_short(fake, count):
    assert len(judge(fake, *[Verdict.DANGEROUS] * count).findings) == min(count, 21)
