"""Health and duplicates: what values tell."""

import numpy as np

from weighbridge.checks import run
from weighbridge.report import Outcome, Statistics


def codes(report, check):
    return [finding.code for finding in report.result(check).findings]


def test_sound_values_pass(checkpoint_of):
    arrays = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "one": np.array([0.0], np.float32)}
    report = run(checkpoint_of(arrays))
    assert report.result("health").outcome is Outcome.PASS
    assert codes(report, "health") == []


def test_values_that_are_not_finite_fail_with_the_tensors_name(checkpoint_of):
    values = np.array([1.0, np.nan, np.nan, np.inf, -np.inf, 2.0], np.float32)
    report = run(checkpoint_of({"head.weight": values}), only=["health"])
    health = report.result("health")
    assert health.outcome is Outcome.FAIL
    assert report.exit_status == 1
    assert [(each.code, each.where, each.evidence["count"]) for each in health.findings] == [
        ("health.nan", "head.weight", 2),
        ("health.infinite", "head.weight", 2),
    ]
    assert health.facts == {"tensors": 1, "nan": 2, "infinite": 2}


def test_half_precision_nan_is_found(checkpoint_of):
    values = np.zeros(1 << 17, np.float16)
    values[77] = np.nan
    assert codes(run(checkpoint_of({"w": values})), "health") == ["health.nan"]


def test_a_matrix_of_zeros_fails_and_a_constant_vector_is_told(checkpoint_of):
    arrays = {
        "zero.weight": np.zeros((3, 3), np.float32),
        "norm.weight": np.ones(4, np.float32),
        "norm.bias": np.zeros(4, np.float32),
        "row": np.zeros((1, 4), np.float32),
    }
    report = run(checkpoint_of(arrays), only=["health"])
    zero, constant = report.result("health").findings
    assert (zero.code, zero.where) == ("health.zero", "zero.weight")
    assert constant.code == "health.constant"
    assert set(constant.evidence["tensors"]) == {"norm.weight", "norm.bias", "row"}


def test_constant_vectors_alone_pass(checkpoint_of):
    assert run(checkpoint_of({"b": np.ones(4, np.float32)}), only=["health"]).exit_status == 0


def test_a_long_list_of_faults_is_cut(checkpoint_of):
    arrays = {f"w{at:03}": np.array([np.nan, 1.0], np.float32) for at in range(50)}
    findings = run(checkpoint_of(arrays), only=["health"]).result("health").findings
    assert len(findings) == 21
    assert findings[-1].message == "and 30 more of the same kind"
    assert findings[-1].evidence == {"more": 30}


def test_equal_tensors_in_different_places_are_duplicates(checkpoint_of):
    values = np.arange(8, dtype=np.float32)
    arrays = {"a": values, "b": values.copy(), "c": values.reshape(2, 4), "d": values.astype(np.int32), "e": values + 1}
    result = run(checkpoint_of(arrays)).result("duplicates")
    assert result.outcome is Outcome.PASS
    (finding,) = result.findings
    assert set(finding.evidence["tensors"]) == {"a", "b"}
    assert result.facts == {"groups": 1, "bytes": 32}


def test_tensors_of_one_value_are_no_duplicates(checkpoint_of):
    arrays = {"a": np.zeros(4, np.float32), "b": np.zeros(4, np.float32)}
    assert run(checkpoint_of(arrays)).result("duplicates").findings == ()


def test_statistics_are_facts_of_every_tensor(checkpoint_of):
    report = run(checkpoint_of({"a": np.arange(4, dtype=np.float32), "b": np.ones(2, np.int8)}))
    assert {each.name: each.mean for each in Statistics.of(report).tensors} == {"a": 1.5, "b": 1.0}
