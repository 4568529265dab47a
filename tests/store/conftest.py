"""Stores, and weights to put in them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from weighbridge.store import Store

_NAMES = {"float32": "F32", "float16": "F16", "float64": "F64", "int8": "I8", "uint16": "BF16", "int64": "I64"}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where `store` lies."""
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    with Store.open(folder, create=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Ways to make test data: `weights`, `safetensors`, `sha256`, and `size_of` a store's folder."""
    return SimpleNamespace(weights=_weights, safetensors=_safetensors, sha256=_sha256, size_of=_size_of)


def _weights(count: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """Numbers like those of a trained layer: small, centred, incompressible but for their exponents."""
    return np.random.default_rng(seed).normal(0, 0.02, count).astype(dtype)


def _safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    header, at = {}, 0
    for name, values in tensors.items():
        offsets = [at, at + values.nbytes]
        header[name] = {"dtype": _NAMES[values.dtype.name], "shape": list(values.shape), "data_offsets": offsets}
        at = offsets[1]
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + b"".join(v.tobytes() for v in tensors.values())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _size_of(folder: Path) -> int:
    """Bytes in a store, without what is no part of it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if path.relative_to(folder).parts[0] not in ("index", "tmp"))
