"""The decoder under spec/, written from the text alone, reads what weighbridge writes and refuses what it refuses."""

from __future__ import annotations

import ast
import base64
import gzip
import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import zstandard
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import CorruptError, StoreError, StoreVersionError
from weighbridge.store import Store, _bindings, _config, codecs
from weighbridge.store._sketch import sketch
from weighbridge.store.codecs import Layout
from weighbridge.store.manifests import Manifest
from weighbridge.store.packs import read_footer
from weighbridge.tensors import BytesSource

SPEC = Path(__file__).parents[2] / "spec"
DECODER = SPEC / "decoder"
VECTORS = sorted(path for path in (SPEC / "vectors").iterdir() if path.is_dir())

sys.path.insert(0, str(DECODER))
import folder  # noqa: E402
import payload as payloads  # noqa: E402
import refusal  # noqa: E402
import sealed  # noqa: E402
import sketch as sketches  # noqa: E402
import upkeep  # noqa: E402

sys.path.remove(str(DECODER))

SEEDS = st.integers(0, 999)
SIZES = st.integers(1, 3000)
LAYOUTS = st.one_of(
    st.sampled_from([Layout(), *(Layout(width, rotate) for width in (2, 4, 8) for rotate in (False, True))]),
    st.lists(st.integers(1, 50), min_size=1, max_size=8).map(lambda columns: Layout(columns=tuple(columns))),
    st.sampled_from(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"]).map(codecs.layout_of),
    st.sampled_from(["Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "BOOL", "I8"]).map(codecs.layout_of),
)


def weights(count, seed, dtype="<f4"):
    return np.random.default_rng(seed).normal(0, 0.02, count).astype(dtype)


def noise(count, seed):
    return np.random.default_rng(seed).bytes(count)


BLOCKS = st.one_of(
    st.binary(min_size=1, max_size=300),
    st.builds(noise, SIZES, SEEDS),
    st.builds(lambda count, seed: weights(count, seed).tobytes()[:count], SIZES, SEEDS),
    st.builds(lambda unit, times: unit * times, st.binary(min_size=1, max_size=40), st.integers(1, 100)),
)


def theirs(read, *arguments):
    """What weighbridge makes of bytes: a value, "damage" or "unknown"."""
    try:
        return read(*arguments)
    except StoreVersionError:
        return "unknown"
    except CorruptError:
        return "damage"


def ours(read, *arguments):
    """What the decoder makes of them. A refusal names a byte and a rule."""
    try:
        return read(*arguments)
    except refusal.RefusedError as error:
        refused = error
    assert refused.byte >= 0
    assert f"byte {refused.byte}: {refused.rule}" in str(refused)
    return "unknown" if isinstance(refused, refusal.UnknownError) else "damage"


# The text and its vectors


def test_the_decoder_imports_nothing_but_the_standard_library_blake3_and_zstandard():
    own = {path.stem for path in DECODER.glob("*.py")}
    imported = set()
    for path in DECODER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            imported.update(name.partition(".")[0] for name in names)
    assert imported - own - sys.stdlib_module_names == {"blake3", "zstandard"}


def cases(kind):
    return [
        pytest.param(case, id=f"{version.name}: {case.get('why', number)}")
        for version in VECTORS
        for number, case in enumerate(json.loads((version / f"{kind}.json").read_text("utf-8")))
    ]


def references(case):
    return [base64.b64decode(reference) for reference in case.get("references", [])]


@pytest.mark.parametrize("case", cases("good"))
def test_every_good_payload_decodes(case):
    raw = base64.b64decode(case["raw"])
    payload = base64.b64decode(case["payload"])
    assert payloads.decode(case["codec"], case["version"], payload, len(raw), references(case)) == raw


@pytest.mark.parametrize("case", cases("bad"))
def test_everything_bad_is_refused_as_what_it_is(case):
    expected = {"corrupt": "damage", "version": "unknown"}[case["error"]]
    if case["kind"] == "payload":
        coded = base64.b64decode(case["payload"])
        told = (case["codec"], case["version"], coded, case["raw_length"], references(case))
        assert ours(payloads.decode, *told) == expected
    else:
        read = {"file": sealed.manifest, "name": sealed.binding, "mark": upkeep.mark, "hold": upkeep.hold}[case["kind"]]
        assert ours(read, base64.b64decode(case["sealed"]), case["key"]) == expected


@pytest.mark.parametrize("version", VECTORS, ids=lambda path: path.name)
def test_the_golden_store_gives_its_files_back(version):
    expected = json.loads((version / "files.json").read_text("utf-8"))
    store = folder.Store(version / "store")
    assert {store.binding(key).name for key in store.names()} == set(expected)
    assert {key[-64:] for key in store.files()} == {told["sha256"] for told in expected.values()}
    for name, told in expected.items():
        content = b"".join(store.content(store.find(name)))
        assert (len(content), hashlib.sha256(content).hexdigest()) == (told["size"], told["sha256"])
    assert not store.damaged_packs
    assert not store.keys["stray"]


# Sketches


@pytest.mark.parametrize("case", json.loads((SPEC / "vectors" / "v2-manifests" / "sketches.json").read_text("utf-8")))
def test_every_golden_sketch_is_what_the_text_says(case):
    assert sketches.sketch(base64.b64decode(case["unit"]) * case["times"], case["dtype"]).hex() == case["sketch"]


@settings(max_examples=100, deadline=None)
@given(dtype=st.sampled_from([*sketches.FLOATS, *sketches.INTEGERS, "BOOL", "Q8_0", "F4"]), count=SIZES, seed=SEEDS)
def test_of_any_region_both_make_the_same_sketch(dtype, count, seed):
    region = noise(count, seed)
    assert sketches.sketch(region, dtype) == sketch(region, count, dtype)


def test_only_the_beginning_of_a_region_counts():
    region = noise(4 << 18, 1)
    assert sketches.sketch(region + b"more", "F32") == sketch(region, len(region) + 4, "F32")


# The command


def command(*arguments):
    return subprocess.run([sys.executable, DECODER, *arguments], capture_output=True, text=True, check=False)


def test_the_command_lists_and_writes(tmp_path):
    store, out = VECTORS[0] / "store", tmp_path / "out"
    listed = command(store)
    assert (listed.returncode, listed.stderr) == (0, "")
    told = json.loads((VECTORS[0] / "files.json").read_text("utf-8"))["words.txt"]
    assert f"name  {told['sha256']}  'words.txt'\n" in listed.stdout
    assert f"file  {told['sha256']}  {told['size']} bytes\n" in listed.stdout
    for wanted in ("words.txt", told["sha256"]):
        assert command(store, wanted, "--out", out).returncode == 0
        assert hashlib.sha256(out.read_bytes()).hexdigest() == told["sha256"]


def test_the_command_names_the_byte_and_writes_nothing(tmp_path):
    store = tmp_path / "store"
    shutil.copytree(VECTORS[0] / "store", store)
    pack = next((store / "packs").rglob("*.pack"))
    pack.write_bytes(changed(pack.read_bytes(), pack.stat().st_size - 1, 1))
    refused = command(store, "words.txt", "--out", tmp_path / "out")
    assert refused.returncode == 1
    assert f"{pack.name}, byte {pack.stat().st_size - 32}: the check is" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert command(tmp_path).returncode == 1


# Payloads


@settings(max_examples=150, deadline=None)
@given(raw=BLOCKS, layout=LAYOUTS, repeats=st.booleans())
def test_what_every_codec_writes_decodes(raw, layout, repeats):
    for codec in codecs.CODECS:
        coded = codec.encode(raw, layout, repeats)
        if coded is not None:
            assert payloads.decode(codec.id, codec.version, coded, len(raw)) == raw


def assembled(seed):
    """A payload of planes or records put together by hand, with a field here and there that is wrong."""
    luck = random.Random(seed)
    codec = luck.choice([3, 4])
    if codec == 3:
        width = luck.choice([2, 4, 8, 8, 1, 16])
        head, widths = bytes([width, luck.choice([0, 1, 1, 2])]), [1] * width
    else:
        widths = luck.choice([[luck.randint(1, 9) for _ in range(luck.randint(1, 5))], [1] * 64, [1] * 65])
        head = bytes([len(widths)]) + b"".join(width.to_bytes(2, "little") for width in widths)
    length = luck.randint(1, 8 * sum(widths))
    streams = [stream(luck, width * (length // sum(widths))) for width in widths]
    table = b"".join(bytes([method]) + len(coded).to_bytes(4, "little") for method, coded in streams)
    return codec, head + table + b"".join(coded for _, coded in streams) + luck.randbytes(length % sum(widths)), length


def stream(luck, length):
    """A method and a coded stream of this length, now and then of another one."""
    length += luck.choice([0] * 30 + [1])
    raw = luck.choice([bytes(length), luck.randbytes(length), bytes(range(256)) * 2])[:length]
    method = luck.randint(0, 2)
    if method == 1:
        return method, zstandard.ZstdCompressor(write_checksum=luck.random() < 0.5).compress(raw)
    return method, (raw if method == 0 else raw[:16])


@st.composite
def mutated(draw, data):
    """These bytes with a few of them changed, cut or continued; often as they were."""
    data = bytearray(data)
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 3]))):
        if data:
            end = draw(st.sampled_from([len(data), 40]))  # heads stand at the beginning
            data[draw(st.integers(0, min(len(data), end) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.sampled_from([None] * 4 + [len(data) // 2, -1]))
    return bytes(data[:cut]) + draw(st.sampled_from([b""] * 6 + [b"\0", b"\x28\xb5\x2f\xfd"]))


def same_verdict(codec, version, coded, length):
    assert ours(payloads.decode, codec, version, coded, length) == theirs(codecs.decode, codec, version, coded, length)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), raw=BLOCKS, layout=LAYOUTS)
def test_of_a_changed_payload_both_make_the_same(data, raw, layout):
    codec, coded = codecs.encode(raw, layout)
    length = data.draw(st.sampled_from([len(raw)] * 4 + [len(raw) + 1, 1, 0]))
    same_verdict(codec.id, data.draw(st.sampled_from([1] * 9 + [2])), data.draw(mutated(coded)), length)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1 << 32))
def test_of_an_assembled_payload_both_make_the_same(data, seed):
    codec, coded, length = assembled(seed)
    same_verdict(codec, 1, data.draw(mutated(coded)), length)


@settings(max_examples=100, deadline=None)
@given(
    codec=st.sampled_from([*(codec.id for codec in codecs.CODECS), 99]),
    coded=st.binary(max_size=80),
    length=st.integers(0, 100),
)
def test_of_any_bytes_both_make_the_same(codec, coded, length):
    same_verdict(codec, 1, coded, length)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), count=st.integers(20, 3000), seed=SEEDS, dtype=st.sampled_from(["<f4", "<f2", "<f8"]))
def test_of_changed_floats_both_make_the_same(data, count, seed, dtype):
    rows = np.random.default_rng(seed).choice([0.01, 1, 30], count // 50 + 1).repeat(50)[:count]
    raw = (weights(count, seed) * rows).astype(dtype).tobytes()
    layout = codecs.layout_of({"<f4": "F32", "<f2": data.draw(st.sampled_from(["F16", "BF16"])), "<f8": "F64"}[dtype])
    codec, coded = codecs.encode(raw, layout)
    same_verdict(codec.id, 1, data.draw(mutated(coded)), len(raw))


RECORDS = {"Q4_0": 18, "Q5_0": 22, "Q8_0": 34, "Q4_K": 144, "Q5_K": 176, "Q6_K": 210, "BOOL": 8}


def records(kind, count, seed):
    """Records of few values, so that they are worth coding, with scales of every kind."""
    rng = np.random.default_rng(seed)
    if kind == "BOOL":
        return (rng.random(8 * count) < 0.1).tobytes()
    rows = rng.choice(rng.integers(0, 256, 5), (count, RECORDS[kind])).astype(np.uint8)
    rows[:, :2] = rng.choice([0, 1, 0x3C00, 0x3C80, 0x7C00, 0xB800], count).astype("<u2")[:, None].view(np.uint8)
    return rows.tobytes()


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(list(RECORDS)), count=st.integers(1, 300), seed=SEEDS, tail=SIZES)
def test_of_changed_records_both_make_the_same(data, kind, count, seed, tail):
    raw = records(kind, count, seed) + noise(tail % RECORDS[kind], seed)
    coded = codecs.QUANTISED.encode(raw, codecs.layout_of(kind), False)
    if coded is not None:
        assert payloads.decode(7, 1, coded, len(raw)) == raw
        same_verdict(7, 1, data.draw(mutated(coded)), len(raw))


FRAME = zstandard.ZstdCompressor().compress(bytes(100))


@pytest.mark.parametrize(
    ("coded", "length"),
    [
        (b"\x50\x2a\x4d\x18\x04\0\0\0skip" + FRAME, 100),  # a skippable frame before it
        (FRAME + b"\x50\x2a\x4d\x18\0\0\0\0", 100),  # and after it
        (FRAME + FRAME, 200),
        (b"\x27\xb5\x2f\xfd" + FRAME[4:], 100),  # the magic of version 0.7
        (zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(bytes(range(99)))).compress(bytes(100)), 100),
        (b"\x28\xb5\x2f\xfd\x41\x07\x64\x00" + FRAME[6:], 100),  # dictionary 7
        (b"\x28\xb5\x2f\xfd\xa0\xff\x64\0\0\0" + FRAME[6:], 100),  # a content size of four bytes
        (b"\x28\xb5\x2f\xfd\x80\xff\x64\0\0\0" + FRAME[6:], 100),  # a window of 3.75 TiB
        (FRAME[:4] + b"\x28" + FRAME[5:], 100),  # a reserved bit
    ],
)
def test_of_odd_frames_both_make_the_same(coded, length):
    same_verdict(1, 1, coded, length)


# Objects, damaged and sealed again, so that only careful reading finds it

STORE = VECTORS[0] / "store"
OBJECTS = {kind: sorted(p for p in (STORE / kind).rglob("*") if p.is_file()) for kind in ("names", "packs")}
MANIFESTS = sorted(p for version in VECTORS for p in (version / "store" / "files").rglob("*") if p.is_file())
FIELDS = st.sampled_from([0, 1, 2, 4095, 4096, 4097, 1 << 24, (1 << 24) + 1, (1 << 32) - 1, (1 << 64) - 1])


@st.composite
def resealed(draw, content):
    """An object's bytes with a field changed or its end moved, under a right check."""
    content = bytearray(draw(mutated(content)) if draw(st.booleans()) else content)
    at, size = draw(st.integers(0, len(content))), draw(st.sampled_from([1, 2, 4, 8]))
    if draw(st.booleans()):
        content[at : at + size] = draw(FIELDS).to_bytes(8, "little")[:size]
    return bytes(content)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), path=st.sampled_from(MANIFESTS))
def test_of_a_changed_manifest_both_make_the_same(data, path):
    content = data.draw(resealed(path.read_bytes()[:-32]))
    raw = content + blake3(content).digest()
    read, expected = (
        ours(sealed.manifest, raw, f"files/{path.name[:2]}/{path.name}"),
        theirs(Manifest.decode, raw, path.name),
    )
    if isinstance(expected, Manifest):
        regions = [
            (r.offset, r.length, r.dtype, r.row, r.sketch, [(b.digest, b.length) for b in r.blocks])
            for r in read.regions
        ]
        assert (read.size, regions) == (
            expected.size,
            [
                (r.offset, r.nbytes, r.dtype, r.row, r.sketch, [(b.digest, b.length) for b in r.blocks])
                for r in expected.regions
            ],
        )
        assert [(b.digest, b.length) for b in read.rest] == [(b.digest, b.length) for b in expected.rest]
        assert (read.inline is None) == (expected.inline is None)
        if read.inline is not None:
            assert (read.inline.codec, read.inline.version) == (expected.inline.codec, expected.inline.version)
            assert read.inline.payload == expected.inline.payload
    else:
        assert read == expected


NAMES = st.sampled_from([b"", b"a", b"a\0b", b"\xff", "größe".encode(), b"\xed\xa0\x80", b"n" * 4096, b"n" * 4097])


@settings(max_examples=100, deadline=None)
@given(data=st.data(), name=NAMES)
def test_of_any_binding_both_make_the_same(data, name):
    head = b"WBNAME\x01\0" + bytes(32) + len(name).to_bytes(4, "little")
    content = data.draw(st.just(head + name) | resealed(head + name))
    raw, digest = content + blake3(content).digest(), blake3(name).hexdigest()
    key = f"names/{digest[:2]}/{digest}"
    read, expected = ours(sealed.binding, raw, key), theirs(_bindings.decode, raw, key)
    assert (read if isinstance(read, str) else (read.name, read.sha256.hex())) == expected


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_of_a_changed_pack_both_make_the_same(data):
    whole = OBJECTS["packs"][0].read_bytes()
    size = int.from_bytes(whole[-40:-32], "little")
    head, footer, length = whole[:8], whole[-40 - size : -40][: 56 * 4], 56 * 4
    kept = sum(int.from_bytes(footer[at + 40 : at + 44], "little") for at in range(0, length, 56))
    head, footer = data.draw(st.just(head) | mutated(head)), data.draw(st.just(footer) | resealed(footer))
    tail = data.draw(st.sampled_from([len(footer)] * 9 + [55, 1 << 40])).to_bytes(8, "little")
    check = blake3(head + footer + tail).digest()
    pack, digest = head + bytes(kept) + footer + tail + check, check.hex()
    backend = SimpleNamespace(
        distant=False,
        get_range=lambda key, at, count: pack[at : at + count],
        get_ranges=lambda key, ranges: [pack[at : at + count] for at, count in ranges],
    )
    read = ours(sealed.pack, io.BytesIO(pack), f"packs/{digest[:2]}/{digest}.pack")
    expected = theirs(read_footer, backend, digest, len(pack))
    if isinstance(read, str) or isinstance(expected, str):
        assert read == expected
    else:
        assert [(e.block, e.payload_check, e.start, e.length, e.raw_length, e.codec, e.version) for e in read] == [
            (e.digest, e.check, p.offset, p.stored, p.raw, p.codec, p.version) for e in expected for p in [e.location]
        ]


@settings(max_examples=100, deadline=None)
@given(
    lines=st.tuples(
        st.sampled_from([b"weighbridge store\n", b"weighbridge store", b"weighbridge Store\n", b""]),
        st.sampled_from([b"version 1\n", b"version 0\n", b"version 01\n", b"version 999\n", b"version x\n", b""]),
        st.sampled_from([b"id " + b"a0" * 16 + b"\n", b"id " + b"A0" * 16 + b"\n", b"id 0\n", b"", b"check x\n"]),
        st.sampled_from([b"", b"more\n", b"check " + b"0" * 64 + b"\n"]),
    ),
    end=st.sampled_from([b"\n", b"", b"\n\n"]),
)
def test_of_any_configuration_both_make_the_same(lines, end):
    body = b"".join(lines)
    config = body + b"check " + blake3(body).hexdigest().encode() + end
    assert ours(sealed.configuration, config) == theirs(_config.parse, config)


# Stores


def safetensors(tensors):
    header, at = {}, 0
    for name, (dtype, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": [len(values)], "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    encoded = json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + b"".join(values.tobytes() for _, values in tensors.values())


def npz(arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def gguf(columns, seed):
    """A GGUF file of one Q8_0 tensor and one of floats."""
    scales = weights(columns, seed, "<f2").view(np.uint8).reshape(-1, 2)
    numbers = np.frombuffer(noise(columns * 32, seed), np.uint8).reshape(-1, 32) >> 3
    quantised, floats = np.hstack([scales, numbers]).tobytes(), weights(columns, seed).tobytes()
    second = -(-len(quantised) // 32) * 32
    infos = b"".join(
        len(name).to_bytes(8, "little") + name + (1).to_bytes(4, "little") + count.to_bytes(8, "little")
        + kind.to_bytes(4, "little") + offset.to_bytes(8, "little")
        for name, count, kind, offset in [(b"q", columns * 32, 8, 0), (b"f", columns, 0, second)]
    )  # fmt: skip
    head = b"GGUF" + (3).to_bytes(4, "little") + (2).to_bytes(8, "little") + bytes(8) + infos
    return head + bytes(-len(head) % 32) + quantised.ljust(second, b"\0") + floats


TENSORS = st.builds(
    lambda kind, count, seed: (kind[0], weights(count, seed, kind[1])),
    st.sampled_from([("F32", "<f4"), ("F16", "<f2"), ("F64", "<f8"), ("I8", "i1")]),
    st.integers(0, 9000),
    st.integers(0, 2),
)
TABLES = st.dictionaries(st.sampled_from("abcdef"), TENSORS, max_size=4)
FILES = st.one_of(
    st.binary(max_size=100),
    st.builds(noise, st.integers(0, 200_000), SEEDS),
    st.builds(lambda count: b"".join(b"line %d\n" % n for n in range(count)), st.integers(0, 9000)),
    TABLES.map(safetensors),
    TABLES.map(lambda table: npz({name: values for name, (_, values) in table.items()})),
    st.builds(gguf, st.integers(1, 3000), SEEDS),
    st.builds(lambda count, seed: gzip.compress(weights(count, seed).tobytes()), st.integers(0, 9000), SEEDS),
)


@settings(max_examples=15, deadline=None)
@given(contents=st.lists(FILES, min_size=1, max_size=4), name=st.text(min_size=1, max_size=20))
def test_stores_that_weighbridge_writes_are_read_byte_for_byte(contents, name):
    files = {f"{number}/{name}".replace("\0", ""): data for number, data in enumerate(contents)}
    with tempfile.TemporaryDirectory() as place:
        with Store.open(place, create=True) as store:
            for stored in store.add_many(BytesSource(data, name) for name, data in files.items()):
                store.bind(stored.name, stored.sha256)
        opened = folder.Store(Path(place))
        assert {opened.binding(key).name for key in opened.names()} == set(files)
        for name, data in files.items():
            assert b"".join(opened.content(opened.find(name))) == data


def changed(data, at, bits):
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def read_all(store):
    """Every object of a store read by the decoder; raises the first refusal."""
    opened = folder.Store(store)
    files = {key[-64:]: b"".join(opened.content(key[-64:])) for key in opened.files()}
    named = {opened.binding(key).name: opened.binding(key).sha256.hex() for key in opened.names()}
    return files, named


def verified(store):
    try:
        with Store.open(store) as opened:
            return opened.verify().ok
    except StoreError:
        return False


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A store to damage, and what it holds."""
    store = tmp_path_factory.mktemp("damaged") / "store"
    shutil.copytree(STORE, store)
    return store, read_all(store)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_of_a_damaged_store_both_notice(copied, data):
    store, sound = copied
    objects = sorted(path for path in STORE.rglob("*") if path.is_file())
    path = store / data.draw(st.sampled_from(objects)).relative_to(STORE)
    before = path.read_bytes()
    at, bits = data.draw(st.integers(0, len(before) - 1)), data.draw(st.sampled_from([1, 2, 64, 128, 255]))
    path.write_bytes(data.draw(st.sampled_from([changed(before, at, bits), before[:at], before + b"\0"])))
    try:
        assert not verified(store)
        with pytest.raises((refusal.RefusedError, refusal.MissingError)):
            read_all(store)
    finally:
        path.write_bytes(before)
    assert read_all(store) == sound
