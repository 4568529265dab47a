"""What is judged: the facts about one load, wherever they were gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from weighbridge.documents.cards import LARGEST_HEADER, parse_card
from weighbridge.policy.model import Policy
from weighbridge.policy.signature import SignatureFact, SignatureState, check_signature
from weighbridge.report import Report
from weighbridge.trust import Verdict, Verifier, verify
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.model_signing import signature_beside

NO_LICENSE = "none"
_UNSIGNED = SignatureFact(SignatureState.MISSING)


@dataclass(frozen=True, slots=True)
class Load:
    """A report, the licences that the card declares (in lower case), and what is known of the signature.

    `repo` is its name on a hub, "" elsewhere. `formats`: the format of each file that holds weights.
    """

    report: Report
    license: tuple[str, ...] = ()
    signature: SignatureFact = _UNSIGNED
    repo: str = ""
    formats: Mapping[str, str] = field(default_factory=dict)


def load_of(path: Path, report: Report, policy: Policy, *, repo: str = "") -> Load:
    """The facts about a file or folder on this machine. Its card is README.md, its signature model.sig or FILE.sig."""
    signature = signature_beside(path)
    verifying = partial(_verify, path, signature) if signature.is_file() else None
    return Load(
        report,
        read_license((path / "README.md") if path.is_dir() else path.with_name("README.md")),
        check_signature(policy.signers, verifying, repo),
        repo,
        formats_of(report),
    )


def read_license(readme: Path) -> tuple[str, ...]:
    """The licences that a card declares; none where there is no card."""
    if not readme.is_file():
        return ()
    with readme.open("rb") as file:
        return declared_licenses(file.read(LARGEST_HEADER + 16))


def declared_licenses(readme: bytes) -> tuple[str, ...]:
    """``license`` of a card, in lower case; for ``other`` its ``license_name``."""
    data = parse_card(readme).data
    value = data.get("license")
    values = value if isinstance(value, list) else [value]
    named = data.get("license_name")
    found = [each.strip().lower() for each in values if isinstance(each, str) and each.strip()]
    return tuple(named.strip().lower() if each == "other" and isinstance(named, str) else each for each in found)


def formats_of(report: Report | None) -> dict[str, str]:
    """The format of each file with weights, by its name."""
    result = report.result("anatomy") if report else None
    files = result.facts.get("files") if result else None
    named = [each for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    return {str(each["name"]): str(each["format"]) for each in named if each.get("format")}


def _verify(path: Path, signature: Path, verifier: Verifier) -> Verdict:
    return verify(path, Bundle.read(signature), verifier, ignored=(signature,), where=str(signature))
