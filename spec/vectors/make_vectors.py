"""Make golden vectors of what is written today, once: what they hold must be readable for ever.

    python spec/vectors/make_vectors.py FOLDER

writes FOLDER/store (a store with every kind of object and every codec), FOLDER/files.json (the names in it, with
SHA-256 and size), FOLDER/good.json (payloads of codecs and what they decode to), FOLDER/sketches.json (regions, each
a unit and how often it comes, and their sketches) and FOLDER/bad.json (payloads and objects that a reader must
refuse, and as what). A folder is never written again: what a writer learns later, such as another codec, gets a new
one (v1-floats has codec 5, which v1 is older than, v2-manifests has manifests of version 2, and v2-quantised
has codec 7, v2-delta has codec 6 and payloads with references).
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import gguf
import ml_dtypes
import numpy as np
import zstandard
from bad_delta import bad_delta, good_delta
from bad_floats import bad_floats, good_floats
from bad_quantised import bad_quantised, good_quantised
from blake3 import blake3

from weighbridge.store import Store, codecs
from weighbridge.store._sketch import sketch
from weighbridge.store.codecs import Layout
from weighbridge.tensors import BytesSource

_SAFETENSORS = {
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float64": "F64",
    "int64": "I64",
    "uint8": "U8",
    "bool": "BOOL",
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    files = _files()
    with Store.open(folder / "store", create=True) as store:
        for stored in store.add_many(BytesSource(data, name) for name, data in files.items()):
            store.bind(stored.name, stored.sha256)
        for name, data in _tuned().items():
            store.bind(name, store.add(BytesSource(data, name)).sha256)
        files |= _tuned()
        unused = {codec.name for codec in (*codecs.CODECS, *codecs.DELTAS)} - {
            codec.codec for codec in store.stat().codecs
        }
    if unused:
        raise SystemExit(f"no block is kept by {unused}")
    for cache in ("index", "tmp"):
        shutil.rmtree(folder / "store" / cache, ignore_errors=True)
    _write(folder / "files.json", {name: {"sha256": _sha256(data), "size": len(data)} for name, data in files.items()})
    _write(folder / "good.json", _good())
    _write(folder / "sketches.json", _sketches())
    _write(folder / "bad.json", _bad_payloads() + _bad_objects(folder / "store"))


def _files() -> dict[str, bytes]:
    rng = np.random.default_rng(20)
    weights = rng.normal(0, 0.02, 4000)
    tensors = {
        "float32": weights[:1500].astype(np.float32),
        "bfloat16": weights[:2500].astype(ml_dtypes.bfloat16),
        "float16": weights[:2500].astype(np.float16),
        "float64": weights[:1000],
        "int64": rng.integers(0, 30_000, 1000),
        "zeros": np.zeros(3000, np.float32),
        "noise": np.frombuffer(rng.bytes(4200), np.uint8),
        "bias": weights[:7].astype(np.float32),
        "rows": _rows(rng).astype(ml_dtypes.bfloat16),
        "mask": rng.random(5000) < 0.3,
        "pruned": np.where(rng.random(3000) < 0.1, weights[:3000], 0).astype(np.float32),
    }
    return {
        "model.safetensors": _safetensors(tensors),
        "folder/other.safetensors": _safetensors({"new": weights[-600:], **dict(reversed(tensors.items()))}),
        "quantised.gguf": _gguf(rng.normal(0, 1, (32, 1056)).astype(np.float32)),
        "words.txt": b"".join(b"line %d of an opaque file\n" % number for number in range(3000)),
        "small.txt": b"again and " * 40,
        "config.json": b'{"hidden_size": 384}\n',
        "größe ☃": b"a name in Unicode",
        "empty": b"",
    }


def _tuned() -> dict[str, bytes]:
    """A model and its fine-tune, a difference of the former."""
    rng = np.random.default_rng(27)
    base = rng.normal(0, 0.02, (2, 10_000))
    tuned = base + rng.normal(0, 2e-5, base.shape)
    return {
        name: _safetensors({str(number): row.astype(ml_dtypes.bfloat16) for number, row in enumerate(rows)})
        for name, rows in (("base.safetensors", base), ("tuned.safetensors", tuned))
    }


def _rows(rng: np.random.Generator) -> np.ndarray:
    """Numbers whose rows differ in scale, so that they need several Huffman codes."""
    return (rng.normal(0, 0.02, (24, 384)) * np.exp2(np.arange(24) % 3 * -3)[:, None]).reshape(-1)


def _safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    header, at = {}, 0
    for name, values in tensors.items():
        offsets = [at, at + values.nbytes]
        header[name] = {"dtype": _SAFETENSORS[values.dtype.name], "shape": [len(values)], "data_offsets": offsets}
        at = offsets[1]
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + b"".join(values.tobytes() for values in tensors.values())


def _gguf(values: np.ndarray) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "model.gguf"
        writer = gguf.GGUFWriter(path, "golden")
        for kind in (gguf.GGMLQuantizationType[name] for name in ("Q8_0", "Q5_0", "Q4_0", "Q4_1")):
            writer.add_tensor(kind.name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        for kind in (gguf.GGMLQuantizationType[name] for name in ("Q4_K", "Q5_K", "Q6_K")):
            writer.add_tensor(kind.name, _super_blocks(kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def _super_blocks(kind: gguf.GGMLQuantizationType) -> np.ndarray:
    """Blocks of 256 numbers that are near the middle, under scales and minima of every size."""
    rng = np.random.default_rng(23)
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = (rng.normal(0, 1.5, (60, size, 2)).round() % 16).astype(np.uint8) @ np.array([1, 16], np.uint8)
    scales = np.exp2(rng.integers(-9, 3, (60, 2))).astype("<f2").view(np.uint8)
    if kind.name == "Q6_K":
        blocks[:, 192:208], blocks[:, 208:] = rng.integers(-90, 90, (60, 16)).astype(np.uint8), scales[:, :2]
    else:
        blocks[:, :4] = scales
    return blocks.reshape(6, -1)


def _good() -> list[dict[str, object]]:
    """Small blocks as every codec writes them, with their raw bytes."""
    rng = np.random.default_rng(21)
    weights = rng.normal(0, 0.02, 120)
    floats = weights.astype(np.float32).tobytes()
    long = rng.normal(0, 0.02, 1100)
    cases = [
        ("raw", b"\x00\xff", Layout()),
        ("zstd", b"ab" * 40, Layout()),
        ("fill", b"0123456789abcdef" * 3 + b"012", Layout()),
        ("planes", floats, Layout(4, rotate=True)),
        ("planes", np.arange(70, dtype="<u2").tobytes() + b"!", Layout(2)),
        ("planes", np.arange(40, dtype="<u8").tobytes() + b"tail", Layout(8, rotate=True)),
        ("floats", floats, Layout(number="F32")),
        ("floats", weights.tobytes(), Layout(number="F64")),
        ("floats", long.astype(np.float16).tobytes(), Layout(number="F16")),
        ("floats", long.astype(ml_dtypes.float8_e4m3fn).tobytes(), Layout(number="F8_E4M3")),
        ("floats", (long * 9).astype(ml_dtypes.float8_e5m2).tobytes(), Layout(number="F8_E5M2")),
        ("floats", long.astype(np.float16).astype(np.float32).tobytes(), Layout(number="F32")),
        ("floats", np.append(np.ones(4096), long).astype(np.float32).tobytes(), Layout(number="F32")),
        ("floats", _rows(rng).astype(ml_dtypes.bfloat16).tobytes(), Layout(number="BF16")),
        ("records", b"".join(bytes([7, n]) + b"qqqq" for n in range(30)) + b"xy", Layout(columns=(1, 1, 4))),
    ]
    cases += [
        ("quantised", np.tile(_super_blocks(gguf.GGMLQuantizationType[kind]), 3).tobytes(), codecs.layout_of(kind))
        for kind in ("Q4_K", "Q5_K", "Q6_K")
    ]
    few = gguf.quants.quantize(long[:1088].astype(np.float32).reshape(-1, 32), gguf.GGMLQuantizationType.Q8_0)
    cases += [
        ("quantised", few.tobytes() * 4 + b"tail", codecs.layout_of("Q8_0")),
        ("quantised", (rng.random(4000) < 0.1).tobytes(), codecs.layout_of("BOOL")),
        ("floats", np.rint(long * 300).astype(np.int8).tobytes(), codecs.layout_of("I8")),
    ]
    named = {codec.name: codec for codec in codecs.CODECS}
    good = []
    for name, raw, layout in cases:
        payload = named[name].encode(raw, layout, True)
        if payload is None:
            raise SystemExit(f"{name} declined its own vector")
        good.append(
            {"codec": named[name].id, "version": named[name].version, "payload": _text(payload), "raw": _text(raw)}
        )
    by_hand = [(payload, codecs.decode(5, 1, payload, 4)) for payload in good_floats()]
    good += [{"codec": 5, "version": 1, "payload": _text(payload), "raw": _text(raw)} for payload, raw in by_hand]
    quantised = [(payload, codecs.decode(7, 1, payload, length)) for payload, length in good_quantised()]
    good += [{"codec": 7, "version": 1, "payload": _text(payload), "raw": _text(raw)} for payload, raw in quantised]
    for payload, length, references in good_delta():
        raw = codecs.decode(6, 1, payload, length, references)
        told = {"codec": 6, "version": 1, "payload": _text(payload), "raw": _text(raw)}
        good.append({**told, "references": [_text(reference) for reference in references]})
    return good


def _sketches() -> list[dict[str, object]]:
    """Regions of every kind of dtype, numbers of every kind in them, and one that is longer than what counts."""
    rng = np.random.default_rng(22)
    values = np.concatenate(
        [rng.normal(0, 1, 200) * 2.0 ** rng.integers(-30, 30, 200), [0, -0.0, np.inf, -np.inf, np.nan]]
    )
    with np.errstate(over="ignore", invalid="ignore"):
        floats = {
            "F64": values.astype("<f8"),
            "F32": (values * 1e-36).astype("<f4"),
            "F16": values.astype("<f2"),
            "BF16": values.astype(ml_dtypes.bfloat16),
            "F8_E4M3": values.astype(ml_dtypes.float8_e4m3fn),
            "F8_E5M2": values.astype(ml_dtypes.float8_e5m2),
            "F8_E4M3FNUZ": values.astype(ml_dtypes.float8_e4m3fnuz),
            "C64": values[:100].astype("<f4"),
            "C128": values[:140].astype("<f8"),
        }
    others = {name: rng.bytes(700) for name in ("I64", "I32", "I16", "I8", "U8", "U32", "BOOL", "Q4_K", "F8_E8M0", "?")}
    cases = [(dtype, numbers.tobytes(), 1) for dtype, numbers in floats.items()]
    cases += [(dtype, unit, 1) for dtype, unit in others.items()]
    cases += [
        ("F32", bytes(800), 1),
        ("I16", b"\x00\x80" * 100, 1),
        ("F32", rng.bytes(4 * 63), 1),
        ("F32", rng.bytes(259), 1),
    ]
    cases += [("BF16", rng.bytes(2003 * 2), 132), ("U8", rng.bytes(997), 270), ("F16", rng.bytes(2047), 1)]
    return [
        {"dtype": d, "unit": _text(unit), "times": times, "sketch": sketch(unit * times, len(unit) * times, d).hex()}
        for d, unit, times in cases
    ]


def _bad_payloads() -> list[dict[str, object]]:
    frame = zstandard.ZstdCompressor().compress(bytes(100))
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(100))
    stream = (b"\x00" + (4).to_bytes(4, "little")) * 2 + bytes(8)
    cases = [
        (0, 1, b"abc", 4, "corrupt", "raw: shorter than the block"),
        (1, 1, frame, 99, "corrupt", "zstd: a frame of another size"),
        (1, 1, unsized, 100, "corrupt", "zstd: a frame that does not state its size"),
        (1, 1, frame + b"x", 100, "corrupt", "zstd: bytes after the frame"),
        (1, 1, frame[:-1], 100, "corrupt", "zstd: a frame cut short"),
        (1, 1, b"not a frame", 100, "corrupt", "zstd: no frame"),
        (1, 1, zstandard.ZstdCompressor().compress(bytes(1 << 22)), 1000, "corrupt", "zstd: a bomb"),
        (2, 1, bytes(15), 100, "corrupt", "fill: a short period"),
        (2, 1, bytes(16), 15, "corrupt", "fill: longer than the block"),
        (3, 1, b"\x02", 8, "corrupt", "planes: ends within its head"),
        (3, 1, b"\x03\x00" + stream, 8, "corrupt", "planes: a width of 3"),
        (3, 1, b"\x02\x02" + stream, 8, "corrupt", "planes: rotated by 2"),
        (3, 1, b"\x02\x00" + stream + b"x", 8, "corrupt", "planes: bytes after the streams"),
        (3, 1, b"\x02\x00" + stream, 9, "corrupt", "planes: no tail where there must be one"),
        (3, 1, b"\x02\x00" + stream[:-1], 8, "corrupt", "planes: a stream cut short"),
        (3, 1, b"\x02\x00" + b"\x09" + stream[1:], 8, "corrupt", "planes: an unknown method"),
        (4, 1, b"\x00", 8, "corrupt", "records: no column"),
        (4, 1, b"\x41" + bytes(200), 8, "corrupt", "records: 65 columns"),
        (4, 1, b"\x01\x00\x00" + stream, 8, "corrupt", "records: a column without bytes"),
        (4, 1, b"\x01\xff\xff" + stream, 8, "corrupt", "records: longer than the block"),
        *((5, 1, payload, length, "corrupt", f"floats: {why}") for payload, length, why in bad_floats()),
        *((7, 1, payload, length, "corrupt", f"quantised: {why}") for payload, length, why in bad_quantised()),
        (9, 1, b"", 8, "version", "an unknown codec"),
        (3, 2, b"", 8, "version", "an unknown version of planes"),
        (0, 1, b"", (16 << 20) + 1, "corrupt", "a block beyond the limit"),
    ]
    bad: list[dict[str, object]] = [
        {"kind": "payload", "codec": c, "version": v, "payload": _text(p), "raw_length": n, "error": e, "why": why}
        for c, v, p, n, e, why in cases
    ]
    for (payload, length, references), why in bad_delta():
        told = {"kind": "payload", "codec": 6, "version": 1, "payload": _text(payload), "raw_length": length}
        told |= {"references": [_text(reference) for reference in references]}
        bad.append({**told, "error": "corrupt", "why": f"delta: {why}"})
    return bad


def _bad_objects(store: Path) -> list[dict[str, object]]:
    """Objects with a right check and something else wrong, so that only careful reading finds it."""
    manifest = next(p for p in (store / "files").rglob("*") if p.is_file() and p.stat().st_size > 600).read_bytes()
    name = next(p for p in (store / "names").rglob("*") if p.is_file()).read_bytes()
    sha256, body = manifest[8:40], manifest[:-32]
    end = len(body)
    cases = [
        ("file", _put(body, 6, b"\x07\x00"), "version", "manifest: version 7"),
        ("file", _put(body, 0, b"WBNAME"), "corrupt", "manifest: another magic"),
        ("file", _put(body, 8, b"\x00" * 32), "corrupt", "manifest: of another file"),
        ("file", _put(body, 48, b"\x05"), "corrupt", "manifest: an unknown kind"),
        ("file", _put(body, 40, b"\xff" * 8), "corrupt", "manifest: larger than its parts"),
        ("file", _put(body, 49, b"\xff" * 4), "corrupt", "manifest: more regions than it has room for"),
        ("file", _put(body, 53, b"\xff" * 4), "corrupt", "manifest: more blocks than it has room for"),
        ("file", _put(body, 57, b"\xff" * 7), "corrupt", "manifest: a region outside of the file"),
        ("file", _put(body, 65, b"\x00" * 8), "corrupt", "manifest: a region without bytes"),
        ("file", _put(body, 73, b"\x09"), "corrupt", "manifest: a region with others' blocks"),
        ("file", _put(body, end - 4, b"\x00" * 4), "corrupt", "manifest: a block without bytes"),
        ("file", _put(body, end - 4, b"\xff" * 4), "corrupt", "manifest: a block beyond the limit"),
        ("file", _put(body, 6, b"\x01\x00"), "corrupt", "manifest: version 1, with the regions of version 2"),
        ("file", body[:-1], "corrupt", "manifest: cut short"),
        ("file", body[:20], "corrupt", "manifest: ends within its head"),
        ("file", body[:50], "corrupt", "manifest: ends before its tables"),
        ("name", _put(name[:-32], 6, b"\x02\x00"), "version", "binding: version 2"),
        ("name", _put(name[:-32], 40, b"\xff"), "corrupt", "binding: a name of another length"),
        ("name", _put(name[:-32], 44, b"\xff"), "corrupt", "binding: a name that is not UTF-8"),
        ("name", _put(name[:-32], 44, b"~"), "corrupt", "binding: the name of another key"),
        ("name", name[:20], "corrupt", "binding: ends within its head"),
    ]
    key = blake3(name[44:-32]).hexdigest()
    return [
        {
            "kind": kind,
            "key": sha256.hex() if kind == "file" else f"names/{key[:2]}/{key}",
            "sealed": _text(content + blake3(content).digest()),
            "error": error,
            "why": why,
        }
        for kind, content, error, why in cases
    ]


def _put(data: bytes, at: int, part: bytes) -> bytes:
    return data[:at] + part + data[at + len(part) :]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
