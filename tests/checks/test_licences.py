"""The licence of weights, and of what they were made from."""

import json

import numpy as np
import pytest

from weighbridge.checks import run
from weighbridge.report import Outcome

WEIGHTS = {"w": np.arange(4, dtype=np.float32)}


def statement(**licences):
    found = [
        {"name": name.replace("_", " "), "annotations": {"given": "lab/base", "licence": licence}}
        for name, licence in licences.items()
    ]
    return json.dumps({"predicate": {"buildDefinition": {"resolvedDependencies": [{"name": "torch"}, *found]}}})


def judge(checkpoint_of, header=None, provenance=None):
    side = {} if header is None else {"README.md": f"---\n{header}\n---\n# A model\n"}
    if provenance is not None:
        side["provenance.intoto.json"] = provenance
    return run(checkpoint_of(WEIGHTS, **side), only=["license"]).results[0]


def codes(result):
    return [finding.code for finding in result.findings]


def test_a_licence_that_is_declared_and_known_passes(checkpoint_of):
    result = judge(checkpoint_of, "license: apache-2.0", statement(starting_weights="mit"))
    assert (result.outcome, codes(result)) == (Outcome.PASS, [])
    assert result.facts == {
        "declared": ["apache-2.0"],
        "spdx": ["Apache-2.0"],
        "inherited": [{"source": "starting weights (lab/base)", "license": "mit"}],
    }


@pytest.mark.parametrize("header", ["tags: [x]", "license: other", "license: unknown", "license: 3"])
def test_none_is_told_calmly(checkpoint_of, header):
    result = judge(checkpoint_of, header)
    assert (result.outcome, codes(result)) == (Outcome.PASS, ["license.undeclared"])


def test_one_of_ones_own_is_told_by_its_name(checkpoint_of):
    result = judge(checkpoint_of, "license: other\nlicense_name: lab-licence")
    assert codes(result) == ["license.unknown"]
    assert "lab-licence" in result.findings[0].message


def test_what_does_not_go_together_is_a_warning(checkpoint_of):
    result = judge(
        checkpoint_of, "license: apache-2.0", statement(starting_weights="cc-by-nc-4.0", data="mit, gpl-3.0")
    )
    assert result.outcome is Outcome.FAIL
    first, second = result.findings
    assert first.message.startswith("declares apache-2.0, and starting weights (lab/base) is under cc-by-nc-4.0")
    assert (first.code, second.evidence["license"]) == ("license.conflict", "gpl-3.0")


def test_without_a_card_there_is_no_question(checkpoint_of):
    assert judge(checkpoint_of).outcome is Outcome.SKIPPED


ODD = ["", "[]", "{", '{"predicate": 3}', '{"predicate": {"buildDefinition": {"resolvedDependencies": [1]}}}']


@pytest.mark.parametrize("odd", ODD)
def test_a_statement_that_cannot_be_read_states_nothing(checkpoint_of, odd):
    result = judge(checkpoint_of, "license: mit", odd)
    assert (result.outcome, result.facts["inherited"]) == (Outcome.PASS, [])
