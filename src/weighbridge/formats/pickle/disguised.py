"""Pickles spelled as text inside a pickle: base64 or hexadecimal, for a program that decodes and loads them later."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from weighbridge.formats.base import Anomaly, Verdict
from weighbridge.formats.pickle.scan import Pickle, scan_pickles
from weighbridge.tensors import BytesSource


def disguised_pickles(pickles: Iterable[Pickle]) -> list[Anomaly]:
    """An anomaly for every text that spells a pickle which imports what is not known to be harmless."""
    found = []
    for pickle in pickles:
        for offset, text in pickle.suspects:
            names = _suspicious_names(text)
            if names:
                message = f"the text here spells another pickle, which imports {', '.join(names[:3])}"
                found.append(Anomaly("pickle.disguised", message, f"offset {offset:,}"))
    return found


def _suspicious_names(text: str) -> list[str]:
    scans = scan_pickles(BytesSource(decoded(text)))
    imports = [found for scan in scans for found in scan.imports if found.verdict is not Verdict.ALLOWED]
    return [found.qualified for found in imports if found.module.replace(".", "").isidentifier()]


def decoded(text: str) -> bytes:
    """What base64 or hexadecimal spells; nothing where it is neither."""
    try:
        if text.startswith("80"):
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""
