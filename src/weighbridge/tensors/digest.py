"""A hash that knows its algorithm: ``sha256:9f86…``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Algorithm = Literal["sha256", "blake3"]


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """32 bytes and the algorithm that made them. ``Digest.parse(str(d)) == d`` for every digest."""

    algorithm: Algorithm
    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) != 32:
            raise ValueError(f"a {self.algorithm} digest has 32 bytes, not {len(self.value)}")

    @classmethod
    def parse(cls, text: str) -> Digest:
        algorithm, _, digits = text.partition(":")
        if algorithm == "sha256":
            return cls("sha256", bytes.fromhex(digits))
        if algorithm == "blake3":
            return cls("blake3", bytes.fromhex(digits))
        raise ValueError(f"expected sha256:… or blake3:…, found {text!r}")

    @classmethod
    def sha256(cls, data: bytes | memoryview) -> Digest:
        return cls("sha256", hashlib.sha256(data).digest())

    @classmethod
    def blake3(cls, data: bytes | memoryview) -> Digest:
        from blake3 import blake3

        return cls("blake3", blake3(data).digest())

    @property
    def hex(self) -> str:
        return self.value.hex()

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
