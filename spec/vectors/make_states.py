"""Make the golden vectors of differences by states, form 3 of codec 6, once.

    python spec/vectors/make_states.py FOLDER

writes FOLDER/store (a file, and another that differs from it by such parts), FOLDER/files.json (names, SHA-256, sizes),
FOLDER/good.json (payloads and what they decode to) and FOLDER/bad.json (payloads that a reader must refuse).
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
from bad_states import bad_states, good_states

from weighbridge.store import Store, codecs
from weighbridge.tensors import BytesSource


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    files = _files()
    with Store.open(folder / "store", create=True) as store:
        for name, data in files.items():
            store.bind(name, store.add(BytesSource(data, name)).sha256)
        if "delta" not in {used.codec for used in store.stat().codecs}:
            raise SystemExit("no block is kept as a delta")
    for cache in ("index", "tmp", "holds"):
        shutil.rmtree(folder / "store" / cache, ignore_errors=True)
    told = {name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in files.items()}
    for name, content in (("files", told), ("good", _good()), ("bad", _bad())):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _files() -> dict[str, bytes]:
    rng = np.random.default_rng(5)
    base = rng.choice([-0.03, 0.01], (256, 192))  # so few that the vectors stay small
    tuned = base + rng.normal(0, 1e-4, base.shape) * (np.arange(256)[:, None] % 16 == 0)
    return {f"{name}.safetensors": _safetensors(values) for name, values in (("base", base), ("tuned", tuned))}


def _safetensors(values: np.ndarray) -> bytes:
    data = values.astype(ml_dtypes.bfloat16).tobytes()
    header = json.dumps({"q": {"dtype": "BF16", "shape": values.shape, "data_offsets": [0, len(data)]}}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


def _good() -> list[dict[str, object]]:
    good = []
    for payload, length, references in good_states():
        raw = codecs.decode(6, 2, payload, length, references)
        told = {"codec": 6, "version": 2, "payload": _text(payload), "raw": _text(raw)}
        good.append({**told, "references": [_text(reference) for reference in references]})
    return good


def _bad() -> list[dict[str, object]]:
    bad = []
    for (payload, length, references), why in bad_states():
        told = {"kind": "payload", "codec": 6, "version": 2, "payload": _text(payload), "raw_length": length}
        told |= {"references": [_text(reference) for reference in references]}
        bad.append({**told, "error": "corrupt", "why": f"states: {why}"})
    return bad


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
