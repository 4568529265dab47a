"""From facts to a ruling."""

import pytest

from weighbridge.policy import Action, decide, standard, strictest
from weighbridge.report import Outcome

EVIL = ("pickle.dangerous-import", "danger", "model.pkl, byte 2")
ODD = ("pickle.unknown-import", "warning", "model.pkl, byte 9")


def test_the_standard_policy(load_with):
    assert decide(standard(), load_with()).action is Action.ALLOW
    assert decide(standard(), load_with(ODD)).action is Action.WARN
    assert decide(standard(), load_with(EVIL, ODD)).action is Action.REFUSE
    assert decide(standard(), load_with(outcome=Outcome.ERROR)).action is Action.HOLD
    assert decide(standard(), load_with(outcome=Outcome.ERROR, check="statistics")).action is Action.ALLOW
    assert decide(standard(), load_with(signature="broken")).action is Action.REFUSE
    assert decide(standard(), load_with(signature="unknown-signer")).action is Action.ALLOW


def test_the_first_rule_that_matches_a_fact_decides(load_with, policy_of):
    policy = policy_of("""
- {name: known, finding: pickle.unknown-import, where: "model.pkl*", action: allow}
- {name: rest, finding: "pickle.*", action: refuse}
""")
    assert decide(policy, load_with(ODD)).action is Action.ALLOW
    assert decide(policy, load_with(("pickle.unknown-import", "warning", "other.pkl, byte 1"))).action is Action.REFUSE
    ruling = decide(policy, load_with(ODD, EVIL))
    assert [(each.rule, each.fact) for each in ruling.decisions] == [("rest", "pickle.dangerous-import")]


@pytest.mark.parametrize(
    ("rule", "load", "action"),
    [
        ("{format: [pickle, torch-*], action: warn}", {"formats": {"a.bin": "torch-zip"}}, Action.WARN),
        ("{format: pickle, action: warn}", {"formats": {"a": "safetensors"}}, Action.ALLOW),
        ("{license: none, action: hold}", {}, Action.HOLD),
        ("{license: none, action: hold}", {"license": ("mit",)}, Action.ALLOW),
        ('{license: "cc-by-nc*", action: refuse}', {"license": ("mit", "cc-by-nc-4.0")}, Action.REFUSE),
        ("{signature: [missing, unknown-signer], action: hold}", {"signature": "unknown-signer"}, Action.HOLD),
        ("{signature: missing, action: hold}", {"signature": "valid"}, Action.ALLOW),
        ("{signature: missing, repo: acme/*, action: hold}", {"repo": "acme/m"}, Action.HOLD),
        ("{signature: missing, repo: acme/*, action: hold}", {"repo": "other/m"}, Action.ALLOW),
        ("{check: safety.*, outcome: [error, skipped], action: hold}", {"outcome": Outcome.SKIPPED}, Action.HOLD),
    ],
)
def test_every_kind_of_fact(rule, load, action, load_with, policy_of):
    assert decide(policy_of(f"- {rule}"), load_with(**load)).action is action


def test_no_policy_softens_another(load_with, policy_of):
    lax = policy_of('- {finding: "*", action: allow}')
    ruling = strictest([lax, standard()], load_with(EVIL))
    assert ruling.action is Action.REFUSE
    assert ruling.decisions[0].policy == "standard"
    assert strictest([], load_with(EVIL)).action is Action.ALLOW
