"""What a page says of a revision that a policy holds, refuses or has not seen."""

import pytest

from weighbridge.hub.gate import GateState
from weighbridge.server.web.views.gate import notice, signature_chips

DECISION = {
    "action": "refuse",
    "policy": "standard",
    "rule": "runs-code",
    "subject": "finding",
    "fact": "pickle.dangerous-import",
    "message": "loading it would call os.system\x1b[31m",
    "where": "a.pkl, byte 2",
    "because": "It would run code.",
}


def test_what_passes_needs_no_words():
    assert notice(GateState("0" * 40, "allow")) is None
    assert notice(GateState("0" * 40, "warn", (DECISION,))) is None


@pytest.mark.parametrize(
    ("state", "title", "tone"),
    [
        (GateState("0" * 40, ""), "Being examined", ""),
        (GateState("0" * 40, "hold"), "Held for review", "warn"),
        (GateState("0" * 40, "hold", (), "grace", "looked at it"), "Released after review", ""),
        (GateState("0" * 40, "refuse", (DECISION,)), "Not given to others", "bad"),
    ],
)
def test_what_does_not_simply_pass_is_told(state, title, tone):
    said = notice(state)
    assert (said.title, said.tone) == (title, tone)


def test_reasons_are_told_safely():
    (reason,) = notice(GateState("0" * 40, "refuse", (DECISION,))).reasons
    assert "pickle.dangerous-import in a.pkl, byte 2" in reason
    assert "\x1b" not in reason


@pytest.mark.parametrize(("state", "text"), [("valid", "signed by grace"), ("broken", "does not hold")])
def test_who_signed_is_told(state, text):
    (chip,) = signature_chips(GateState("0" * 40, "allow", signature={"state": state, "signer": "grace"}))
    assert text in chip.text


def test_nobody_signed():
    assert signature_chips(GateState("0" * 40, "allow", signature={"state": "missing"})) == []
