"""Trust: who vouches for these bytes, and does it hold?

- a *statement* (``statement.py``) says something of named files: in-toto's Statement v1;
- an *envelope* (``dsse.py``) carries it with a signature: DSSE;
- a *bundle* (``bundle.py``) adds what is needed to check it, a key's fingerprint or certificates: Sigstore's format;
- a *listing* (``listing.py``) names every file of a model with its digest;
- ``model_signing.py`` puts them together as OpenSSF Model Signing 1.0 does: `sign` and `verify`.

Everything works offline. Nothing here opens a file outside the folder that was given, and nothing is executed.
"""

from weighbridge.trust.dsse import Envelope
from weighbridge.trust.keys import PrivateKey, PublicKey
from weighbridge.trust.model_signing import Difference, Verdict, sign, verify
from weighbridge.trust.signers import CertificateSigner, CertificateVerifier, KeySigner, KeyVerifier, Signer, Verifier
from weighbridge.trust.statement import Statement, Subject

__all__ = [
    "CertificateSigner",
    "CertificateVerifier",
    "Difference",
    "Envelope",
    "KeySigner",
    "KeyVerifier",
    "PrivateKey",
    "PublicKey",
    "Signer",
    "Statement",
    "Subject",
    "Verdict",
    "Verifier",
    "sign",
    "verify",
]
