"""Stores and weights to put in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from weighbridge.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


def weights(count: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """Numbers like those of a trained layer: small, centred, incompressible but for their exponents."""
    return np.random.default_rng(seed).normal(0, 0.02, count).astype(dtype)


def safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    """The tensors as a safetensors file."""
    names = {"float32": "F32", "float16": "F16", "int8": "I8", "uint16": "BF16", "int64": "I64"}
    header, at = {}, 0
    for name, values in tensors.items():
        header[name] = {
            "dtype": names[values.dtype.name],
            "shape": list(values.shape),
            "data_offsets": [at, at + values.nbytes],
        }
        at += values.nbytes
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + b"".join(v.tobytes() for v in tensors.values())


def size_of(folder: Path) -> int:
    """Bytes in a store, without what is no part of it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if path.relative_to(folder).parts[0] not in ("index", "tmp"))
