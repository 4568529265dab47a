"""Whether a model's signature holds, by the signers whom a policy trusts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from weighbridge.errors import BundleError, CertificateError, SignatureError, WrongKeyError
from weighbridge.policy.model import TrustedSigner
from weighbridge.trust import CertificateVerifier, KeyVerifier, PublicKey, Verdict, Verifier
from weighbridge.trust.certificates import parse_certificates


class SignatureState(StrEnum):
    VALID = "valid"
    MISSING = "missing"
    UNKNOWN_SIGNER = "unknown-signer"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class SignatureFact:
    """Whether the signature holds. `signer` is the trusted signer's name; `detail` says what is wrong."""

    state: SignatureState
    signer: str = ""
    detail: str = ""


def check_signature(
    signers: Iterable[TrustedSigner], verify: Callable[[Verifier], Verdict] | None, repo: str = ""
) -> SignatureFact:
    """Try whom we trust, one after the other. `verify` compares the model with its signature; None: there is none.

    A signature by somebody unknown says nothing, whether or not it would hold.
    """
    if verify is None:
        return SignatureFact(SignatureState.MISSING)
    refused = "the policy names nobody who may sign this"
    for signer in signers:
        if not _is_for(signer, repo):
            continue
        try:
            verdict = verify(verifier_of(signer))
        except (WrongKeyError, CertificateError) as error:
            refused = error.message
        except (SignatureError, BundleError) as error:
            return SignatureFact(SignatureState.BROKEN, detail=error.message)
        else:
            return _told(signer.name, verdict)
    return SignatureFact(SignatureState.UNKNOWN_SIGNER, detail=refused)


def signer_of(fingerprint: str, signers: Iterable[TrustedSigner], repo: str) -> str:
    """The name under which this key is trusted for a repository, "" where it is not."""
    for signer in signers:
        if signer.key and _is_for(signer, repo):
            trusted = PublicKey.parse(signer.key.encode(), where=signer.name)
            if trusted.fingerprint == fingerprint:
                return signer.name
    return ""


def _is_for(signer: TrustedSigner, repo: str) -> bool:
    return not signer.repo or any(fnmatchcase(repo, pattern) for pattern in signer.repo)


def verifier_of(signer: TrustedSigner) -> Verifier:
    """Raises `SigningKeyError` or `CertificateError` for PEM that holds no key or certificate."""
    if signer.key:
        return KeyVerifier(PublicKey.parse(signer.key.encode(), where=signer.name))
    return CertificateVerifier(parse_certificates(signer.certificates.encode(), where=signer.name))


def _told(signer: str, verdict: Verdict) -> SignatureFact:
    if verdict.holds:
        return SignatureFact(SignatureState.VALID, signer)
    listed = ", ".join(str(each) for each in verdict.differences[:3])
    more = f" and {len(verdict.differences) - 3} more" if len(verdict.differences) > 3 else ""
    return SignatureFact(SignatureState.BROKEN, signer, f"not as signed: {listed}{more}")
