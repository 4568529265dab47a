"""Models to put in stores, made of seeds: layers, fine-tunes, merges of adapters, families; and the bytes of files."""

from __future__ import annotations

import json

import ml_dtypes
import numpy as np

BF16 = ml_dtypes.bfloat16
NAMES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "uint16": "BF16",
    "int64": "I64",
    "int8": "I8",
}

Tensors = dict[str, np.ndarray]


def weights(count: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """Numbers like those of a trained layer: small, centred, incompressible but for their exponents."""
    return np.random.default_rng(seed).normal(0, 0.02, count).astype(dtype)


def normal(seed, shape, scale: float = 0.02) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)


def cast(tensors: Tensors, dtype=BF16) -> Tensors:
    return {name: values.astype(dtype) for name, values in tensors.items()}


def tuned(tensors: Tensors, seed: int = 1, scale: float = 1e-4) -> Tensors:
    """Every number moved a little, as an optimiser does."""
    return {name: values + normal([seed, n], values.shape, scale) for n, (name, values) in enumerate(tensors.items())}


def merged(tensors: Tensors, rank: int = 8, seed: int = 1) -> Tensors:
    """After a merge of an adapter of the query matrices, whose names end in q, added in binary32."""
    rng = np.random.default_rng(seed)
    result = dict(tensors)
    for name, values in tensors.items():
        if name.endswith("q"):
            a = rng.normal(0, 0.05, (rank, values.shape[1])).astype(np.float32)
            b = rng.normal(0, 0.01, (values.shape[0], rank)).astype(np.float32)
            result[name] = (values.astype(np.float32) + b @ a).astype(values.dtype)
    return result


def safetensors(tensors: Tensors) -> bytes:
    header, at = {}, 0
    for name, values in tensors.items():
        offsets = [at, at + values.nbytes]
        header[name] = {"dtype": NAMES[values.dtype.name], "shape": list(values.shape), "data_offsets": offsets}
        at = offsets[1]
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + b"".join(values.tobytes() for values in tensors.values())


def family(seed: int = 1, shape: tuple[int, int] = (256, 192)) -> dict[str, bytes]:
    """Three small bf16 models: a base, a fine-tune of it, and a merge of a narrow product into its largest matrix."""
    base = {"a": normal([seed, 1], (64, 128)), "q": normal([seed, 2], shape, 0.05)}
    models = {"base": cast(base), "tuned": cast(tuned(base, seed)), "merged": merged(cast(base), 2, seed)}
    return {name: safetensors(tensors) for name, tensors in models.items()}
