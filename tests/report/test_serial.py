"""Through JSON and back, a report is the same value."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.errors import FormatError
from weighbridge.report import (
    Anatomy,
    CheckResult,
    Finding,
    Outcome,
    Report,
    Severity,
    Statistics,
    from_json,
    to_json,
    to_plain,
)
from weighbridge.report.serial import json_pieces

SCHEMA = json.loads((Path(__file__).parents[2] / "spec" / "report.schema.json").read_text(encoding="utf-8"))

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.text(), values, max_size=3)
findings = st.builds(
    Finding, st.text(), st.sampled_from(Severity), st.text(), where=st.text(), hint=st.text(), evidence=objects
)
results = st.builds(
    CheckResult,
    st.text(),
    st.text(),
    st.sampled_from(Outcome),
    findings=st.lists(findings, max_size=2).map(tuple),
    facts=objects,
    reason=st.text(),
    seconds=st.floats(0, 1e6),
)
reports = st.builds(
    Report, st.text(), results=st.lists(results, max_size=3).map(tuple), weighbridge=st.text(), created=st.text()
)


@given(reports)
def test_any_report_comes_back_equal(report):
    text = to_json(report)
    assert text.isascii()
    assert from_json(text) == report
    assert "".join(json_pieces(report)) == text


def test_facts_come_back_with_their_types(report, anatomy, statistics):
    again = from_json(to_json(report))
    assert Anatomy.of(again) == anatomy
    assert Statistics.of(again) == statistics


def test_facts_that_were_not_measured_are_none():
    empty = Report("x", (CheckResult("anatomy", "", Outcome.SKIPPED, reason="nothing"),), "0", "")
    assert Anatomy.of(empty) is None
    assert Statistics.of(empty) is None


def test_the_schema_describes_what_is_written(report):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(to_plain(report), SCHEMA)


def test_the_schema_refuses_an_error_without_a_reason(report):
    plain = to_plain(report)
    plain["results"][-1]["reason"] = ""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain, SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"schema": 2}',
        '{"schema": true}',
        '{"schema": 1, "subject": 3, "results": []}',
        '{"schema": 1, "subject": "", "weighbridge": "", "created": "", "results": [{}]}',
        '{"schema": 1, "subject": "", "weighbridge": "", "created": "", "results": NaN}',
        "[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_report_is_told(text):
    with pytest.raises(FormatError) as caught:
        from_json(text)
    assert str(caught.value).startswith("report: ")


def test_an_unknown_outcome_is_told_with_those_that_exist(report):
    text = to_json(report).replace('"skipped"', '"maybe"')
    with pytest.raises(FormatError, match="'maybe' is none of pass, fail, skipped, error"):
        from_json(text)


@pytest.mark.parametrize("field", ["parameters", "dtypes", "listed", "tied"])
def test_facts_with_a_field_of_the_wrong_type_are_refused(anatomy, field):
    facts = anatomy.to_json()
    with pytest.raises(FormatError, match=field):
        Anatomy.from_json(facts | {field: "many"})
    del facts[field]
    with pytest.raises(FormatError, match=field):
        Anatomy.from_json(facts)


def test_values_that_json_lacks_are_refused():
    report = Report("x", (CheckResult("a", "", Outcome.PASS, facts={"mean": float("nan")}),), "0", "")
    with pytest.raises(ValueError, match="JSON"):
        to_json(report)
