"""What is fuzzed: everything that decodes bytes which a stranger may have written.

A target takes any bytes and returns what it made of them. The only errors that it may raise are `WeighbridgeError`s;
anything else is a finding, and so is an answer that contradicts itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from blake3 import blake3

from weighbridge import native
from weighbridge.store import _bindings, _config, _holds, _marks, codecs
from weighbridge.store._keys import name_key
from weighbridge.store._pieces import pieces_of
from weighbridge.store._sealed import Kind, seal
from weighbridge.store._stored_file import decode_inline
from weighbridge.store.codecs.predictors import LOW_RANK, SAME, Factors, number_of
from weighbridge.store.manifests import Manifest
from weighbridge.store.packs import FRAME_BYTES, PackBuilder, Payload, read_footer

MOST_RAW = 1 << 20
"""Blocks are decoded to at most this: enough for every part of a format, and quick."""

_CODECS = (*(codec.id for codec in codecs.CODECS), codecs.DELTA.id)
# References that a mutated delta may name: numbers like weights, as bytes of any format.
_WEIGHTS = np.random.default_rng(0).normal(0, 0.02, 3000).astype(np.float32)
_SINGLE = _WEIGHTS[:1500].tobytes()
_HALF = (_WEIGHTS.view(np.uint32) >> 16).astype(np.uint16).tobytes()
_FACTORS = Factors(30, 50, (-12, -13), 1, True, bytes(number * 7 % 5 for number in range(2 * (30 + 50))))
_REFERENCES = ((), (_SINGLE,), (_HALF,), (_SINGLE, _HALF), (_SINGLE, _FACTORS.block), (_HALF, _FACTORS.block))


def payload(data: bytes) -> bytes:
    """A block: codec, which references (and for a delta from 128 on, of version 2), raw length, payload."""
    codec = _CODECS[_at(data, 0) % len(_CODECS)]
    references = _REFERENCES[_at(data, 1) % 128 % len(_REFERENCES)]
    version = 2 if codec == codecs.DELTA.id and _at(data, 1) >= 128 else 1
    length = int.from_bytes(data[2:5], "little") % MOST_RAW + 1
    raw = codecs.decode(codec, version, data[5:], length, references)
    assert len(raw) == length, (codec, len(raw), length)
    into = bytearray(length)
    codecs.decode_into(codec, version, data[5:], memoryview(into), references)
    assert into == raw, codec
    return raw


def both_paths(data: bytes) -> bytes:
    """Packed floats, quantised blocks and residuals: the portable kernel and the vector one give the same verdict."""
    length, which = int.from_bytes(data[:3], "little") % MOST_RAW + 1, _at(data, 3)
    decode: Callable[..., bytes] = native.decode_block if which % 2 else native.decode_quantised
    if which >= 240:
        decode, length = partial(_residual, which - 240), min(length // 8 * 8, len(_SINGLE))
    verdicts = []
    for portable in (False, True):
        try:
            verdicts.append(decode(data[4:], length, portable=portable))
        except ValueError as error:
            verdicts.append(str(error).encode())
    assert verdicts[0] == verdicts[1]
    return verdicts[0]


def _residual(kind: int, data: bytes, length: int, portable: bool) -> bytes:
    return native.decode_residual(data, _SINGLE[:length], kind % 10, portable=portable)


def pack(data: bytes) -> object:
    """A pack's footer, with the check made right, since a mutation never gets past it."""
    version, body = 1 + _at(data, 0) % 3, data[4:]
    footer_bytes = int.from_bytes(data[1:4], "little") % (len(body) + 1)
    footer = body[len(body) - footer_bytes :] + footer_bytes.to_bytes(8, "little")
    head = Kind.PACK.head(version)
    check = blake3(head + footer).digest()
    whole = head + body[: len(body) - footer_bytes] + footer + check
    entries = read_footer(_Object(whole, distant=_at(data, 0) >= 128), check.hex(), len(whole))  # type: ignore[arg-type]
    assert sum(entry.location.stored for entry in entries) + footer_bytes + FRAME_BYTES == len(whole)
    return entries


def manifest(data: bytes) -> object:
    """A manifest, sealed; if it is one, its pieces must make the file without a gap."""
    version, body = 1 + _at(data, 0) % 3, data[1:]
    named = body[:32].hex()
    found = Manifest.decode(seal(Kind.FILE, body, version), named)
    assert Manifest.decode(found.encode(), named).blocks == found.blocks
    if found.inline is not None:
        return decode_inline(found)
    at = 0
    for piece in pieces_of(found):
        assert piece.offset == at
        assert 0 <= piece.start < piece.start + piece.length <= piece.block.length
        at += piece.length
    assert at == found.size
    return found


def small_objects(data: bytes) -> object:
    """Bindings, marks, holds and configurations."""
    which, body = _at(data, 0) % 4, data[1:]
    if which == 0:
        return _bindings.decode(seal(Kind.NAME, body), name_key(body[36:].decode("utf-8", "replace")))
    if which == 1:
        return _marks.decode(seal(Kind.MARK, body), body[:32].hex())
    if which == 2:
        sealed = seal(Kind.HOLD, body)
        return _holds.decode(sealed, sealed[-32:].hex())
    return _config.parse(body + f"check {blake3(body).hexdigest()}\n".encode())


TARGETS: dict[str, Callable[[bytes], object]] = {
    "payload": payload,
    "both_paths": both_paths,
    "pack": pack,
    "manifest": manifest,
    "small_objects": small_objects,
}


def seeds(target: str) -> Iterator[bytes]:
    """Sound inputs to begin with."""
    if target == "payload":
        yield from (bytes([_CODECS.index(codec), refs]) + _size(raw) + data for codec, refs, raw, data in _payloads())
    elif target == "both_paths":
        yield from (_size(raw) + bytes([codec == 5]) + data for codec, _, raw, data in _payloads() if codec in (5, 7))
        for kind in range(10):
            near = (np.frombuffer(_SINGLE, np.uint8) ^ (np.arange(len(_SINGLE)) % 64 == 0)).tobytes()
            coded = native.encode_residual(near, _SINGLE, kind)
            yield _size(near) + bytes([240 + kind]) + coded
    elif target == "pack":
        yield from _packs()
    elif target == "manifest":
        yield from (bytes([sealed[6] - 1]) + sealed[8:-32] for sealed in _manifests())
    else:
        yield b"\0" + _bindings.encode("a/b.safetensors", "00" * 32)[8:-32]
        yield b"\1" + _marks.encode("11" * 32, 1_790_000_000)[8:-32]
        yield b"\2" + _holds.encode([bytes(32), bytes(range(32))])[1][8:-32]
        yield b"\3" + _config.new().rpartition(b"check ")[0]


def _payloads() -> Iterator[tuple[int, int, bytes, bytes]]:
    """Codec, which references, raw bytes and payload."""
    halves = _HALF
    blocks = [
        (_WEIGHTS[:600].tobytes(), ["F32", "F64", "U8", "I64", "C64"]),
        (halves[:1400], ["BF16", "F16", "F8_E4M3", "F8_E5M2", "I16", "BOOL"]),
        ((_WEIGHTS[:2000] * 999).astype(np.int8).tobytes()[:1890], ["Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q5_K", "Q6_K"]),
        (bytes(700), ["F32"]),
        (np.arange(300, dtype=np.int64).tobytes(), ["I64"]),
        (_WEIGHTS[:300].astype(np.float16).astype(np.float32).tobytes(), ["F32"]),
        ((_WEIGHTS[:900] > 0).astype(np.uint8).tobytes(), ["BOOL", "U8"]),
        (b"a few words, and a few words again, " * 30, ["U8"]),
    ]
    for raw, names in blocks:
        for name in names:
            layout = codecs.layout_of(name)
            for codec in codecs.CODECS:
                data = codec.encode(raw, layout, True)
                if data is not None:
                    yield codec.id, 0, raw, data
    for which, name in ((1, "F32"), (2, "BF16"), (4, "F32"), (5, "BF16")):
        base, layout = _REFERENCES[which], codecs.layout_of(name)
        number = number_of(layout, len(base[0]))
        near = bytearray(base[0][: 1500 * number.width])
        near[:: 8 * number.width] = bytes(1 ^ value for value in near[:: 8 * number.width])
        recipe = SAME.recipe(0) if len(base) == 1 else LOW_RANK.recipe(_FACTORS, number, 0)
        data = codecs.DELTA.encode(bytes(near), layout, base, recipe)
        if data is not None:
            yield codecs.DELTA.id, 128 + which, bytes(near), data


def _packs() -> Iterator[bytes]:
    for references in ((), (bytes(32),), (bytes(range(32)), bytes(32))):
        builder = PackBuilder()
        for number in range(3):
            digest = blake3(bytes([number])).digest()
            builder.add(Payload(digest, digest[:8], 9 + number, 0, 1, bytes(7 + number), references))
        _, parts, _ = builder.finish()
        head, *payloads, covered, _ = parts
        body = b"".join(payloads) + covered[:-8]
        yield bytes([head[6] - 1]) + (len(covered) - 8).to_bytes(3, "little") + body


def _manifests() -> Iterator[bytes]:
    vectors = Path(__file__).parents[1] / "spec" / "vectors"
    for path in sorted(vectors.glob("*/store/files/*/*")):
        if path.stat().st_size < 4000:
            yield path.read_bytes()


class _Object:
    """A backend that holds one object."""

    def __init__(self, data: bytes, *, distant: bool) -> None:
        self._data = data
        self.distant = distant

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        assert 0 <= length <= len(self._data), "asks for more than there is"
        return self._data[offset : offset + length]

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.get_range(key, offset, length) for offset, length in ranges]


def _size(raw: bytes) -> bytes:
    return (len(raw) - 1).to_bytes(3, "little")


def _at(data: bytes, index: int) -> int:
    return data[index] if index < len(data) else 0
