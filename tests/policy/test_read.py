"""Policies that make no sense are refused by line."""

import pytest

from weighbridge.errors import PolicyError
from weighbridge.policy import parse_policy
from weighbridge.trust import PrivateKey

HEAD = "version: 1\nname: x\nrules:\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("version: 2\nname: x", 1, "version"),
        ("version: 1", 1, "name: is missing"),
        (HEAD + "- {action: hold}", 4, "found none of them"),
        (HEAD + '- {finding: "*", license: mit, action: hold}', 4, "found finding and license"),
        (HEAD + "- finding: a\n  action: forbid", 5, "action"),
        (HEAD + "- finding: a\n  sevreity: danger\n  action: hold", 5, "do you mean 'severity'"),
        (HEAD + "- {license: mit, severity: danger, action: hold}", 4, "belong to rules about findings"),
        (HEAD + "- {license: mit, outcome: error, action: hold}", 4, "belongs to rules about checks"),
        (HEAD + "- {signature: good, action: hold}", 4, "found 'good'"),
        ("version: 1\nname: x\nsigners:\n- {name: a}", 4, "either a key or certificates"),
        ("version: 1\nname: x\nsigners:\n- {name: a, key: nonsense}", 4, "not a public key"),
        ("version: 1\nname: x\nsigners:\n- {name: a, certificates: nonsense}", 4, "no certificates"),
    ],
)
def test_mistakes_are_named_by_line(text, line, says):
    with pytest.raises(PolicyError, match=says) as caught:
        parse_policy(text, "p.yaml")
    assert caught.value.where == f"p.yaml:{line}"


def test_signers_by_key_are_read():
    key = PrivateKey.generate().public.pem.decode().replace("\n", "\n    ")
    policy = parse_policy(f"version: 1\nname: x\nsigners:\n- name: release\n  key: |\n    {key}", "p.yaml")
    assert policy.signers[0].name == "release"
