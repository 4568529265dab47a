"""Making new inputs from old ones: what bit rot, truncation and a stranger do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

MOST_BYTES = 4096
_ODD = (
    0,
    1,
    2,
    7,
    8,
    15,
    16,
    127,
    128,
    255,
    256,
    4095,
    4096,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    -1,
    -2,
)

Mutation = Callable[[bytearray, random.Random], None]


def mutate(corpus: Sequence[bytes], rng: random.Random) -> bytes:
    """One of the corpus with a few things changed, or two of them joined."""
    data = bytearray(rng.choice(corpus))
    if rng.random() < 0.1:
        other = rng.choice(corpus)
        data[rng.randint(0, len(data)) :] = other[rng.randint(0, len(other)) :]
    for _ in range(1 << rng.randint(0, 4)):
        if not data:
            data.append(rng.randrange(256))
        rng.choice(_MUTATIONS)(data, rng)
    return bytes(data[:MOST_BYTES])


def _flip(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def _number(data: bytearray, rng: random.Random) -> None:
    """A field of one to eight bytes becomes an edge of some range, or moves by a little."""
    width = rng.choice((1, 2, 4, 8))
    at = rng.randrange(len(data))
    held = int.from_bytes(data[at : at + width], "little")
    value = rng.choice(_ODD) if rng.random() < 0.5 else held + rng.randint(-4, 4)
    data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, "little")


def _drop(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + 1 + int(rng.expovariate(0.1))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + 1 + int(rng.expovariate(0.1))] * rng.randint(1, 3)


def _noise(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    length = min(len(data) - at, 1 + int(rng.expovariate(0.1)))
    data[at : at + length] = rng.randbytes(length)


def _cut(data: bytearray, rng: random.Random) -> None:
    if rng.random() < 0.2:
        del data[rng.randrange(len(data)) :]


_MUTATIONS: tuple[Mutation, ...] = (_flip, _byte, _number, _number, _drop, _repeat, _noise, _cut)
