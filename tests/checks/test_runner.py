"""Every check answers, whatever happens to it."""

import inspect
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from weighbridge.checks import CHECKS, Answer, Check, check, run, runner
from weighbridge.errors import FileChangedError, PathNotFoundError, UsageError
from weighbridge.report import Outcome, Severity, from_json, to_json, to_plain

SCHEMA = json.loads((Path(__file__).parents[2] / "spec" / "report.schema.json").read_text(encoding="utf-8"))
IDS = [each.id for each in CHECKS]


@pytest.fixture
def only_this(monkeypatch):
    """Replace the registry by one check made from a function."""

    def register(function):
        monkeypatch.setattr(runner, "CHECKS", (Check("test", "A test", function),))

    return register


def test_a_crash_is_an_error_with_its_reason(only_this, fake):
    def crashes(checkpoint):
        raise ZeroDivisionError("of course")

    only_this(crashes)
    report = run(fake())
    assert report.results[0].outcome is Outcome.ERROR
    assert report.results[0].reason == "the check itself failed: ZeroDivisionError: of course"
    assert report.exit_status == 2


def test_an_error_of_ours_is_told_with_code_and_hint(only_this, fake):
    def changes(checkpoint):
        raise FileChangedError("was written to", where="model.pt")

    only_this(changes)
    (result,) = run(fake()).results
    assert result.reason == "model.pt: was written to"
    assert (result.findings[0].code, result.findings[0].severity) == ("input.changed", Severity.WARNING)


def test_inputs_are_given_by_name(only_this, fake):
    checkpoint = fake()
    only_this(lambda checkpoint, tensors: Answer(Outcome.PASS, facts={"name": checkpoint.name, "count": len(tensors)}))
    assert run(checkpoint).results[0].facts == {"name": "fake", "count": 0}


def test_an_input_that_does_not_exist_is_an_error(only_this, fake):
    only_this(lambda weather: Answer(Outcome.PASS))
    assert "weather" in run(fake()).results[0].reason


def test_an_input_that_fails_fails_each_check_and_is_tried_once(monkeypatch, fake):
    from weighbridge.checks import inputs

    calls = []

    def fails(*arguments):
        calls.append(arguments)
        raise FileChangedError("was written to")

    monkeypatch.setattr(inputs, "measure", fails)
    report = run(fake(), only=["statistics", "health", "duplicates"])
    assert {result.outcome for result in report.results} == {Outcome.ERROR}
    assert len(calls) == 1


@pytest.mark.parametrize("wanted", [["nope"], ["safety."], [""], ["anatomy", "safet"]])
def test_an_unknown_check_is_refused_with_those_that_exist(fake, wanted):
    with pytest.raises(UsageError, match=r"safety\.pickle"):
        run(fake(), only=wanted)


def test_a_family_and_a_single_check_can_be_chosen(fake):
    report = run(fake(), only=["safety", "health"])
    assert [result.check for result in report.results] == [
        "safety.pickle",
        "safety.remote-code",
        "safety.files",
        "safety.structure",
        "health",
    ]


def test_a_path_that_leads_nowhere_is_raised(tmp_path):
    with pytest.raises(PathNotFoundError):
        check(tmp_path / "nothing")


def test_real_reports_keep_the_schema_and_come_back_equal(folder_of):
    arrays = {"w": np.array([[np.nan, 1], [2, 3]], np.float32), "empty": np.zeros((0,), np.int8), "s": np.array(1.0)}
    report = check(folder_of(arrays, **{"config.json": {"auto_map": {"A": "b.C"}}}))
    jsonschema.validate(to_plain(report), SCHEMA)
    assert from_json(to_json(report)) == report
    assert {result.check for result in report.results} == set(IDS)


@pytest.mark.parametrize("each", CHECKS, ids=IDS)
def test_every_check_has_a_page(each):
    for part in ("What: ", "Why: ", "Example: ", "What to do: "):
        assert f"\n{part}" in each.page


@pytest.mark.parametrize("each", CHECKS, ids=IDS)
def test_every_check_asks_for_inputs_that_exist(each):
    from weighbridge.checks.inputs import Inputs

    assert each.inputs
    for name in each.inputs:
        assert name == "checkpoint" or inspect.getattr_static(Inputs, name)


def test_ids_are_unique_and_name_no_other(fake):
    assert len(set(IDS)) == len(IDS)
