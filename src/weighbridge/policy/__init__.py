"""Policy: what may pass. Checks state facts; a policy decides what follows from them.

    policy = read_policy(path)                          rules in YAML (spec/policy.md)
    ruling = decide(policy, load)                       allow, warn, hold or refuse, and which rule said so

`Load` is what is judged: a report, the licences that a card declares, whether a signature holds. The same ruling comes
from the same facts on a laptop, in CI and on a hub.
"""

from weighbridge.policy.decide import Decision, Ruling, decide, strictest
from weighbridge.policy.load import Load, declared_licenses, formats_of, load_of, read_license
from weighbridge.policy.model import Action, Policy, Rule
from weighbridge.policy.read import parse_policy, read_policy, standard
from weighbridge.policy.signature import SignatureFact, SignatureState, check_signature, signer_of

__all__ = [
    "Action",
    "Decision",
    "Load",
    "Policy",
    "Rule",
    "Ruling",
    "SignatureFact",
    "SignatureState",
    "check_signature",
    "decide",
    "declared_licenses",
    "formats_of",
    "load_of",
    "parse_policy",
    "read_license",
    "read_policy",
    "signer_of",
    "standard",
    "strictest",
]
