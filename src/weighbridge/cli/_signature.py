"""Where signatures and keys lie, and how they are written: whole or not at all, and never over a key."""

from __future__ import annotations

import os
from pathlib import Path

from weighbridge.errors import SigningKeyError
from weighbridge.trust import PrivateKey
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.model_signing import signature_beside


def signature_path(model: Path, given: Path | None) -> Path:
    return given if given is not None else signature_beside(model)


def write_signature(path: Path, bundle: Bundle) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(bundle.json())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_new_key(path: Path, password: str | None) -> None:
    """A new private key, readable by its owner only, and its public half beside it.

    Raises `SigningKeyError` where there is one already.
    """
    key = PrivateKey.generate()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        hint = "Leave out --new-key to sign with it, or name another file."
        raise SigningKeyError("there is a file here already", where=str(path), hint=hint) from None
    with os.fdopen(handle, "wb") as file:
        file.write(key.pem(password=password))
    path.with_name(path.name + ".pub").write_bytes(key.public.pem)
