"""Attacks on scanners, each told and then tried: ways to hide a call from whoever reads the file without running it.

The programs are written opcode by opcode and would only run ``true``. Nothing here loads them.
"""

import base64
import bz2
import gzip
import io
import lzma
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from weighbridge.scan import Status, scan

sys.path.insert(0, str(Path(__file__).parent.parent / "scan"))
from programs import CALL, HARMLESS, OLD_CALL, named, program, tarred, text, zipped


@pytest.fixture
def status(tmp_path):
    """The verdict on these bytes as a file of this name."""

    def verdict(data: bytes, name: str = "model.pkl") -> Status:
        path = tmp_path / name
        path.write_bytes(data)
        return next(scan([str(path)])).status

    return verdict


SYSTEM = named("posix", "system")
TRUE = text("true")

TRICKS = {
    # The name is put in the memo, the memo entry is written over with a harmless one and fetched before that.
    "memo written over": program(
        SYSTEM, b"q\x00", named("builtins", "list"), b"q\x010h\x00", b"q\x01h\x01", TRUE, b"\x85R"
    ),
    # A name far away in the memo, put there by PUT in text, fetched by LONG_BINGET.
    "memo by other opcodes": program(SYSTEM, b"p70000\n0j\x70\x11\x01\x00", TRUE, b"\x85R"),
    # MEMOIZE counts entries: an explicit PUT shifts which entry it writes.
    "memoize after put": program(text("x"), b"q\x05", SYSTEM, b"\x940h\x01", TRUE, b"\x85R"),
    # DUP and POP juggle the stack so that the callable is not where a linear reader thinks.
    "dup and pop": program(SYSTEM, b"2", text("junk"), b"00", TRUE, b"\x85R"),
    # The result of the call is dropped: the object that is left looks like weights.
    "result dropped": program(SYSTEM, TRUE, b"\x85R0]"),
    # POP_MARK throws the call's result away with everything above the mark.
    "result below a mark": program(b"(", SYSTEM, TRUE, b"\x85R1]"),
    "inst": b"(S'true'\niposix\nsystem\n.",
    "obj": b"(cposix\nsystem\nS'true'\no.",
    "protocol 0": OLD_CALL,
    # No PROTO: unpicklers do not ask for one.
    "no header": CALL[2:],
    # The module's name is put together by a call.
    "computed name": program(named("builtins", "str"), b"C\x05posix\x85R", text("system"), b"\x93", TRUE, b"\x85R"),
    # A number that the loading program has registered for a function.
    "extension": program(b"\x82\x07", TRUE, b"\x85R", protocol=2),
    # What is called is what another call gave.
    "called result": program(named("collections", "Counter"), b")R", TRUE, b"\x85R"),
    # A class is permitted, and its attribute is not.
    "dotted": program(named("torch", "Tensor.__init__.__globals__"), b"0N"),
    # The Python 2 name of a module, which loaders translate.
    "python 2": program(named("__builtin__", "eval"), text("1"), b"\x85R", protocol=2),
    # BUILD on an imported module's function changes the program that loads the file.
    "build on an import": program(named("collections", "OrderedDict"), b"}", text("x"), text("y"), b"sb"),
    # A harmless pickle first: programs that call load twice get the second.
    "second pickle": HARMLESS + CALL,
    "third, protocol 0": HARMLESS * 2 + OLD_CALL,
    # The pickle breaks right after the call: by then it has happened.
    "broken afterwards": CALL[:-1] + b"\xff\xff",
    "cut off afterwards": CALL[:-1],
    # A protocol number that loaders reject: but only when they get to the opcode.
    "rejected later": CALL[:-1] + b"\x80\x63.",
    # An argument that leaves its frame: CPython reads another program than a reader of bytes does.
    "frame ends early": b"\x80\x04\x95\x03\0\0\0\0\0\0\0" + CALL[2:],
    # Bytes that are a pickle, for an application that loads them later.
    "pickle in bytes": program(b"]", b"B", struct.pack("<I", len(CALL)), CALL, b"a"),
    "pickle in base64": program(b"]", text(base64.b64encode(CALL).decode()), b"a"),
    "pickle in hexadecimal": program(b"]", text(CALL.hex()), b"a"),
    "compressed pickle in bytes": program(b"]C", bytes([len(zlib.compress(CALL))]), zlib.compress(CALL), b"a"),
    # Behind junk: whoever seeks before loading gets there.
    "behind junk": b"\x00junk" * 100 + CALL,
    "behind a header": b"MYFORMAT" + struct.pack("<Q", 5) + CALL,
    "behind junk, without a header": b"\xff" * 100 + CALL[2:],
    "behind junk, protocol 0": b"\x00\x01" * 100 + OLD_CALL,
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_of_opcodes_hides_a_call(status, trick):
    assert status(TRICKS[trick]) is Status.DANGEROUS


@pytest.mark.parametrize("name", ["weights.bin", "model.pt", "model.joblib", "README", "config.json", "image.png"])
def test_the_name_of_a_file_says_nothing(status, name):
    """Loaders go by what they are told to load, not by the ending: a pickle is one under any name."""
    assert status(CALL, name) is Status.DANGEROUS


STREAMS = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "two gzip members": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
    "joblib before 0.10": lambda data: b"ZF" + b"0x%x".ljust(19) % len(data) + zlib.compress(data),
}


@pytest.mark.parametrize("codec", STREAMS)
def test_joblib_and_pandas_open_every_codec_by_themselves_and_so_do_we(status, codec):
    assert status(STREAMS[codec](CALL), "model.joblib") is Status.DANGEROUS
    assert status(STREAMS[codec](HARMLESS), "model.joblib") is Status.CLEAN


def test_an_lz4_stream_is_opened(status):
    frame = pytest.importorskip("lz4.frame")
    assert status(frame.compress(CALL), "model.joblib") is Status.DANGEROUS


def test_a_zstandard_stream_is_opened(status):
    zstandard = pytest.importorskip("zstandard")
    assert status(zstandard.ZstdCompressor().compress(CALL), "frame.pkl.zst") is Status.DANGEROUS


# Archives


ARCHIVE = {"archive/data.pkl": HARMLESS, "archive/version": b"3\n", "archive/data/0": bytes(64)}


def patched(data: bytes, changes: dict[int, bytes], *, directory: bool, member: int = 0) -> bytes:
    """The archive with these bytes of a member's header changed: in the directory, or beside the bytes."""
    magic = b"PK\x01\x02" if directory else b"PK\x03\x04"
    at = -1
    for _ in range(member + 1):
        at = data.index(magic, at + 1)
    out = bytearray(data)
    for offset, new in changes.items():
        out[at + offset : at + offset + len(new)] = new
    return bytes(out)


def evil(method: int = zipfile.ZIP_STORED) -> bytes:
    return zipped({**ARCHIVE, "archive/data.pkl": CALL}, method)


def with_twin(first: bytes, second: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", first)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("archive/data.pkl", second)
    return out.getvalue()


def unlisted() -> bytes:
    """A member whose entry in the directory is gone, though its bytes and header are there."""
    data = zipped({"archive/data.pkl": CALL, "archive/other.pkl": HARMLESS})
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 1)
    end = data.index(b"PK\x05\x06")
    fields = list(struct.unpack("<4s4H2IH", data[end:]))
    fields[3] = fields[4] = 1
    fields[5], fields[6] = end - second, first
    return data[:first] + data[second:end] + struct.pack("<4s4H2IH", *fields)


ARCHIVES = {
    "plain": evil(),
    "deflated": evil(zipfile.ZIP_DEFLATED),
    "bzip2": evil(zipfile.ZIP_BZIP2),
    "lzma": evil(zipfile.ZIP_LZMA),
    # zipfile refuses a member that is marked as encrypted; PyTorch's reader does not look at the mark.
    "marked as encrypted in the directory": patched(evil(), {8: b"\x01\x00"}, directory=True),
    "marked as encrypted at its bytes": patched(evil(), {6: b"\x01\x00"}, directory=False),
    # zipfile checks sums when it reads; others do not.
    "wrong checksum": patched(evil(), {16: b"\0\0\0\1"}, directory=True),
    # Two methods: one reader inflates, the other copies.
    "another method in the directory": patched(evil(), {10: b"\x08\x00"}, directory=True),
    # Two names: one reader goes by the directory, the other by the header.
    "another name in the directory": patched(evil(), {46: b"archive/data.txt"}, directory=True),
    "twin first": with_twin(CALL, HARMLESS),
    "twin last": with_twin(HARMLESS, CALL),
    "not in the directory": unlisted(),
    "no directory": evil()[: evil().index(b"PK\x01\x02")],
    "junk in front": b"#!/bin/sh\n" * 10 + evil(),
    "junk behind": evil() + b"\0" * 50,
    # Members nobody asks for by default, in folders that look like weights.
    "another pickle": zipped({**ARCHIVE, "archive/extra/data.pkl": CALL}),
    "a storage that is a pickle": zipped({**ARCHIVE, "archive/data/1": CALL}),
    "an archive inside": zipped({**ARCHIVE, "archive/assets.zip": evil()}),
    "numpy objects": zipped(
        {
            "a.npy": b"\x93NUMPY\x01\x00\x3e\x00"
            + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}".ljust(61)
            + b"\n"
            + CALL
        }
    ),
    # PyTorch before 0.1.10 kept pickles with raw storages between them, in a tar archive.
    "torch tar": tarred(
        {"sys_info": HARMLESS, "pickle": HARMLESS, "storages": HARMLESS + bytes(64) + CALL, "tensors": HARMLESS}
    ),
    # PyTorch before 1.6: the magic number, then pickles.
    "torch legacy": b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}." + CALL + b"\x80\x02].",
}


@pytest.mark.parametrize("trick", ARCHIVES)
@pytest.mark.parametrize("name", ["model.pt", "model.zip", "weights"])
def test_what_any_reader_of_an_archive_would_find_is_judged(status, trick, name):
    assert status(ARCHIVES[trick], name) is Status.DANGEROUS


def test_honest_archives_are_clean(status):
    assert status(zipped(ARCHIVE), "model.pt") is Status.CLEAN
    assert status(tarred({"a/data.pkl": HARMLESS, "b.txt": b"words"}), "model.tar") is Status.CLEAN


# Programs that are no pickles


def test_compiled_code_among_weights_is_told(status):
    """An archive made ahead of time carries a library; loading the model loads it."""
    library = b"\x7fELF\x02\x01\x01" + bytes(100)
    assert status(zipped({**ARCHIVE, "archive/data/aotinductor/model.so": library}), "model.pt2") is Status.DANGEROUS
    assert status(library, "weights.bin") is Status.DANGEROUS
    assert status(library, "extension.so") is Status.CLEAN  # a library that says so


def test_python_in_a_torch_package_is_told(status):
    """PackageImporter executes the modules that the archive holds."""
    package = {
        "p/.data/version": b"6",
        "p/.data/extern_modules": b"",
        "p/model.py": b"x = 1\n",
        "p/m/model.pkl": HARMLESS,
    }
    assert status(zipped(package), "package.pt") is Status.DANGEROUS


def test_torchscript_that_opens_files_is_told_and_other_torchscript_is_not(status):
    honest = b"def forward(self, x):\n  return torch.relu(ops.prim.NumToTensor(x))\n"
    hostile = b"def forward(self, x):\n  torch.save(x, '/tmp/x')\n  return x\n"
    assert status(zipped({**ARCHIVE, "archive/code/__torch__/m.py": honest}), "script.pt") is Status.CLEAN
    assert status(zipped({**ARCHIVE, "archive/code/__torch__/m.py": hostile}), "script.pt") is Status.DANGEROUS
