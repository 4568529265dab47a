"""Broken files, odd files, and no files at all."""

import numpy as np

from weighbridge.checks import check, run
from weighbridge.errors import LimitError, TruncatedError
from weighbridge.formats import Anomaly, FileIndex
from weighbridge.report import Outcome, Severity


def structure(checkpoint):
    return run(checkpoint, only=["safety.structure"]).results[0]


def test_a_sound_folder_passes(checkpoint_of):
    assert structure(checkpoint_of({"a": np.zeros(2, np.float32)})).outcome is Outcome.PASS


def test_a_severe_anomaly_fails_and_an_untidy_one_is_told(fake):
    severe, untidy = Anomaly("zip.overlap", "overlaps", "data/0"), Anomaly("zip.comment", "has one", severe=False)
    result = structure(fake({"m.pt": FileIndex("torch", (), anomalies=(severe, untidy))}))
    assert result.outcome is Outcome.FAIL
    assert [(each.code, each.severity, each.where) for each in result.findings] == [
        ("zip.overlap", Severity.WARNING, "m.pt data/0"),
        ("zip.comment", Severity.INFO, "m.pt"),
    ]


def test_untidiness_alone_passes(fake):
    anomalies = (Anomaly("zip.comment", "has one", severe=False),)
    assert structure(fake({"m.pt": FileIndex("torch", (), anomalies=anomalies)})).outcome is Outcome.PASS


def test_what_files_say_of_each_other_counts_too(fake):
    anomalies = (Anomaly("index.disagrees", "lists a tensor that no shard holds"),)
    assert structure(fake({"m": FileIndex("safetensors", ())}, anomalies=anomalies)).outcome is Outcome.FAIL


def test_a_broken_file_is_an_error_with_its_code_and_hint(fake):
    files, broken = (
        {"a": FileIndex("safetensors", ())},
        {"b": TruncatedError("ends early"), "c": LimitError("too much")},
    )
    result = structure(fake(files, broken))
    assert result.outcome is Outcome.ERROR
    assert result.reason == "2 files of 3 could not be read"
    assert [(each.code, each.severity) for each in result.findings] == [
        ("format.truncated", Severity.WARNING),
        ("format.limit", Severity.DANGER),
    ]
    assert result.findings[0].hint == TruncatedError.default_hint


def test_a_cut_file_is_reported_not_raised(folder_of):
    path = folder_of({"a": np.zeros(100, np.float32)}) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:200])
    report = check(path)
    assert report.exit_status == 2
    assert report.findings[0].code == "format.truncated"
    outcomes = {result.check: result.outcome for result in report.results}
    assert outcomes.pop("safety.files") is Outcome.PASS, "there is nothing dangerous in what is there"
    assert set(outcomes.values()) == {Outcome.ERROR, Outcome.SKIPPED}


def test_a_folder_without_weights_is_no_pass(folder_of):
    report = check(folder_of(None, **{"config.json": {}, "model.onnx": b"\x08"}))
    result = report.result("safety.structure")
    assert report.exit_status == 2
    assert [each.code for each in result.findings] == ["format.unknown", "structure.unread"]


def test_models_that_we_do_not_read_are_named(checkpoint_of):
    result = structure(checkpoint_of({"a": np.zeros(2, np.float32)}, **{"tf_model.h5": b"\x89HDF"}))
    assert result.outcome is Outcome.PASS
    assert result.findings[0].evidence["files"] == ["tf_model.h5"]


def test_a_folder_of_configuration_only_is_skipped_and_its_configuration_judged(folder_of):
    report = check(folder_of(None, **{"config.json": {"auto_map": {"A": "b.C"}}, "README.md": "# Card"}))
    assert report.result("safety.structure").outcome is Outcome.SKIPPED
    assert report.exit_status == 1


def test_a_folder_of_something_unknown_is_no_pass(folder_of):
    report = check(folder_of(None, **{"config.json": {}, "variables.data": b"\x00" * 100}))
    assert report.exit_status == 2
