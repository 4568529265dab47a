"""Writes files to a store and tells each one that was acknowledged. Run by test_writers_s3.py, also to be killed.

python s3_writer.py LOCATION FIRST END
"""

from __future__ import annotations

import sys

import numpy as np

from weighbridge.store import Store, _opening, _pack_writer
from weighbridge.store.backends import s3
from weighbridge.tensors import BytesSource


def content(seed: int) -> bytes:
    return np.random.default_rng(seed).normal(0, 0.02, 150_000).astype("float32").tobytes()


def main(location: str, first: int, end: int) -> None:
    _opening.SETTLE_SECONDS = 1.0
    _pack_writer.PACK_TARGET = 700_000
    s3.PART_BYTES = 200_000  # so that a pack is a multipart upload
    with Store.open(location, create=True) as store:
        print("id", store.id, flush=True)
        for seed in range(first, end):
            store.bind(str(seed), store.add(BytesSource(content(seed))).sha256)
            print(seed, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
