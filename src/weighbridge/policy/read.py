"""Policies from YAML, with the line of what is wrong."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from weighbridge.documents import Document, fill, parse_yaml, read_yaml
from weighbridge.errors import FormatError, PolicyError, TrustError
from weighbridge.policy.model import Policy
from weighbridge.policy.signature import verifier_of


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises `PolicyError`, naming the line."""
    return _policy(read_yaml(path))


def parse_policy(text: str | bytes, where: str) -> Policy:
    """The policy in a text. Raises `PolicyError`, naming the line."""
    return _policy(parse_yaml(text, where))


@cache
def standard() -> Policy:
    """The policy that comes with Weighbridge."""
    return parse_policy(files("weighbridge.policy").joinpath("standard.yaml").read_bytes(), "standard.yaml")


def _policy(document: Document) -> Policy:
    policy = fill(document, Policy, PolicyError)
    for index, signer in enumerate(policy.signers):
        try:
            verifier_of(signer)
        except (TrustError, FormatError) as error:
            raise PolicyError(f"signer {signer.name!r}: {error}", where=document.at(("signers", index))) from error
    return policy
