"""Make the golden store of a family, once: a base, a fine-tune, a copy of another format, and a merge of two factors.

    python spec/vectors/make_family.py FOLDER

writes FOLDER/store, whose packs of version 2 have every predictor that a writer of today uses by itself, and
FOLDER/files.json (names, SHA-256, sizes). good.json and bad.json are empty: v2-delta says what single payloads mean.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import ml_dtypes
import numpy as np

from weighbridge.store import Store
from weighbridge.store.backends import connect
from weighbridge.store.packs import pack_of, read_footer
from weighbridge.tensors import BytesSource

_NAMES = {"float32": "F32", "bfloat16": "BF16"}
PREDICTORS = {0: "same", 1: "cast", 2: "low rank"}


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    files = _files()
    with Store.open(folder / "store", create=True) as store:
        for name, data in files.items():
            store.bind(name, store.add(BytesSource(data, name)).sha256)
    for cache in ("index", "tmp", "holds"):
        shutil.rmtree(folder / "store" / cache, ignore_errors=True)
    used = _predictors(folder / "store")
    if missing := PREDICTORS.keys() - used:
        raise SystemExit(f"no block is predicted as {[PREDICTORS[number] for number in missing]}")
    told = {name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in files.items()}
    for name, content in (("files", told), ("good", []), ("bad", [])):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _files() -> dict[str, bytes]:
    rng = np.random.default_rng(2)
    base = {"a": rng.normal(0, 0.02, (64, 128)), "q": rng.normal(0, 0.05, (256, 192))}
    tuned = {name: values + rng.normal(0, 1e-4, values.shape) for name, values in base.items()}
    narrow = {name: values.astype(np.float32).astype(ml_dtypes.bfloat16) for name, values in base.items()}
    factors = rng.normal(0, 0.02, (256, 2)).astype(np.float32) @ rng.normal(0, 0.05, (2, 192)).astype(np.float32)
    merged = {**narrow, "q": (narrow["q"].astype(np.float32) + factors).astype(ml_dtypes.bfloat16)}
    return {
        "base.safetensors": _safetensors(narrow),
        "tuned.safetensors": _safetensors({name: values.astype(ml_dtypes.bfloat16) for name, values in tuned.items()}),
        "merged.safetensors": _safetensors(merged),
        "wide.safetensors": _safetensors({name: values.astype(np.float32) for name, values in narrow.items()}),
    }


def _safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    header, at = {}, 0
    for name, values in tensors.items():
        offsets = [at, at + values.nbytes]
        header[name] = {"dtype": _NAMES[values.dtype.name], "shape": list(values.shape), "data_offsets": offsets}
        at = offsets[1]
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + b"".join(values.tobytes() for values in tensors.values())


def _predictors(store: Path) -> set[int]:
    """The predictors that payloads of codec 6 name."""
    backend, used = connect(str(store)), set()
    for listed in backend.list("packs/"):
        for entry in read_footer(backend, pack_of(listed), listed.size):
            if entry.location.codec == 6:
                used.add(backend.get_range(listed.key, entry.location.offset + 1, 1)[0])
    return used


if __name__ == "__main__":
    main(Path(sys.argv[1]))
