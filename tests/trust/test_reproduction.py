"""A reproduction is a statement that reads back as what it says, and nothing else is taken for one."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from weighbridge.errors import BundleError
from weighbridge.trust import KeySigner, PrivateKey, Statement
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.reproduction import Reproduction

MADE = Reproduction(
    repo="ada/blobs",
    commit="0" * 40,
    files={"model.safetensors": "1" * 64},
    when=datetime(2026, 11, 24, 10, tzinfo=UTC),
    evaluation="identical",
    training=None,
    machine={"architecture": "x86_64"},
    differences=("torch was 2.13.0, is 2.14.0",),
    weighbridge="0.1.0",
)


@pytest.mark.parametrize("training", [None, "identical", "close", "different"])
def test_what_is_signed_reads_back(training):
    made = replace(MADE, training=training)
    bundle = KeySigner(PrivateKey.generate()).sign(made.statement())
    assert Reproduction.read(Bundle.parse(bundle.json())) == made


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evaluation": "perfect"}, "verdict 'perfect'"),
        ({"training": ["identical"]}, "verdict"),
        ({"when": "yesterday"}, "expected ISO 8601"),
        ({"when": "2026-11-24T10:00:00"}, "no zone"),
        ({"when": None}, "expected ISO 8601"),
        ({"machine": "a laptop"}, "machine"),
        ({"machine": {"a": 1}}, "expected a text"),
        ({"differences": ["x"] * 201}, "at most 200"),
        ({"differences": ["x" * 501]}, "at most 500"),
        ({"weighbridge": None}, "expected a text"),
    ],
)
def test_a_predicate_of_another_form_is_refused(change, said):
    statement = MADE.statement()
    with pytest.raises(BundleError, match=said):
        Reproduction.of(replace(statement, predicate={**statement.predicate, **change}))


def test_statements_about_something_else_are_refused():
    statement = MADE.statement()
    with pytest.raises(BundleError, match="expected https"):
        Reproduction.of(replace(statement, predicate_type="https://slsa.dev/provenance/v1"))
    with pytest.raises(BundleError, match="gitCommit"):
        Reproduction.of(Statement(statement.subjects[1:], statement.predicate_type, statement.predicate))
    with pytest.raises(BundleError, match="sha256"):
        Reproduction.of(Statement(statement.subjects[:1] * 2, statement.predicate_type, statement.predicate))
