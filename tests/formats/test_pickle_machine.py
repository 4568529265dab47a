"""The symbolic machine, against Python's own unpicklers."""

import contextlib
import io
import pickle
import pickletools
import struct
from _compat_pickle import IMPORT_MAPPING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.formats.pickle.opcodes import OPCODES
from weighbridge.formats.pickle.scan import interpret, interpret_all
from weighbridge.formats.pickle.steps import _STEPS
from weighbridge.formats.pickle.values import Call, Global, Items, OldString, Opaque, Pairs, Raw
from weighbridge.tensors import BytesSource


def run(data: bytes):
    return interpret(BytesSource(data, "stream"))


def plain(value, source):
    """The Python value that a symbolic one stands for, so far as it needs no import."""
    if isinstance(value, Items):
        return {"list": list, "set": set, "frozenset": frozenset}[value.kind](
            plain(item, source) for item in value.items
        )
    if isinstance(value, Pairs):
        return {plain(key, source): plain(item, source) for key, item in value}
    if isinstance(value, tuple):
        return tuple(plain(item, source) for item in value)
    if isinstance(value, Raw):
        data = source.read_at(value.offset, value.length)
        return data.decode(value.encoding, "surrogatepass") if value.encoding else data
    if isinstance(value, Call) and value.qualified == "_codecs.encode":
        return plain(value.arguments[0], source).encode("latin-1")
    if isinstance(value, Call) and value.qualified in ("__builtin__.bytes", "__builtin__.bytearray"):
        return b""
    return value


def test_every_opcode_that_python_knows_is_known_here_under_the_same_name():
    assert {code: opcode.name for code, opcode in OPCODES.items()} == {
        ord(opcode.code): opcode.name for opcode in pickletools.opcodes
    }
    assert set(_STEPS) == {opcode.name for opcode in OPCODES.values()} - {"STOP"}


texts = st.text(max_size=20) | st.sampled_from(["\ud800", "a" * 5_000, "é\n\\" * 2_000])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.binary(max_size=20)
keys = st.integers() | st.text(max_size=5) | st.tuples(st.integers(), st.booleans())
objects = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=4)
        | st.frozensets(st.integers(), max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("protocol", range(6))
@given(value=objects)
@settings(max_examples=40, deadline=None)
def test_plain_values_come_back_equal_in_every_protocol(protocol, value):
    data = pickle.dumps(value, protocol)
    source = BytesSource(data)
    found = interpret(source)
    assert found.broken is None
    assert found.stop == len(data)
    if protocol < 4 and contains(value, frozenset):
        return  # written as calls of builtins
    assert plain(found.value, source) == value


def contains(value, kind) -> bool:
    if isinstance(value, kind):
        return True
    inside = list(value) + list(value.values()) if isinstance(value, dict) else value
    return isinstance(value, list | tuple | dict) and any(contains(item, kind) for item in inside)


class _Anything:
    """Takes every call and every change, so that the real machine goes as far as it can."""

    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        return _Anything()

    def __setitem__(self, key, value):
        pass

    def __setstate__(self, state):
        pass

    def append(self, item):
        pass


def harmless(base):
    """A real unpickler that imports nothing and writes down what it was asked to import."""

    class Unpickler(base):
        def __init__(self, file):
            super().__init__(file)
            self.seen = set()

        def find_class(self, module, name):
            self.seen.add((module, name))
            return _Anything

        def persistent_load(self, id):  # noqa: A002
            return _Anything()

    return Unpickler


_NAMES = [b"os", b"system", b"a.b", b"xyz"]
_LINES = {
    "GLOBAL": [b"os\nsystem", b"xyz\na.b"],
    "INST": [b"os\nsystem"],
    "PERSID": [b"1"],
    "GET": [b"0", b"1", b"01"],
    "PUT": [b"0", b"1"],
    "INT": [b"1", b"01", b"0x1", b" 2", b"010", b""],
    "LONG": [b"1L", b"7", b"9" * 50],
    "FLOAT": [b"1.5", b"nan"],
    "STRING": [b"'os'", b'"a"', b"'\\x41'", b"'", b" 'os'"],
    "UNICODE": [b"os", b"\\u0041", b"\xff", b"\\"],
}
_COUNTED = {
    "SHORT_BINUNICODE": 1, "SHORT_BINBYTES": 1, "SHORT_BINSTRING": 1, "LONG1": 1, "BINUNICODE": 4, "BINBYTES": 4,
    "BINSTRING": 4, "LONG4": 4, "BINUNICODE8": 8, "BINBYTES8": 8, "BYTEARRAY8": 8,
}  # fmt: skip
_FIXED = {
    "PROTO": 1, "BINGET": 1, "BINPUT": 1, "BININT1": 1, "EXT1": 1, "BININT2": 2, "EXT2": 2, "LONG_BINGET": 4,
    "LONG_BINPUT": 4, "BININT": 4, "EXT4": 4, "FRAME": 8, "BINFLOAT": 8,
}  # fmt: skip


def _with_argument(code: int) -> st.SearchStrategy[bytes]:
    name = OPCODES[code].name
    byte = bytes([code])
    if name in _LINES:
        return st.sampled_from(_LINES[name]).map(lambda line: byte + line + b"\n")
    if name in _COUNTED:
        return st.sampled_from(_NAMES).map(lambda text: byte + len(text).to_bytes(_COUNTED[name], "little") + text)
    if name in _FIXED:
        return st.integers(0, 40 if name == "FRAME" else 4).map(lambda n: byte + n.to_bytes(_FIXED[name], "little"))
    return st.just(byte)


# Half of the pieces set the stage for imports and calls, so that most streams reach one.
_LIKELY = [b"X\x02\0\0\0os", b"\x8c\x06system", b"(", b"N", b")", b"}", b"\x94", b"cos\nsystem\n", b"\x93", b"R"]
_anything = st.sampled_from(sorted(set(OPCODES) - {ord(".")})).flatmap(_with_argument)
programs = st.lists(st.sampled_from(_LIKELY) | _anything, min_size=2, max_size=20).map(
    lambda parts: b"".join(parts) + b"."
)


@pytest.mark.parametrize("base", [pickle.Unpickler, pickle._Unpickler], ids=["in C", "in Python"])
@given(program=programs)
@settings(max_examples=400, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_whatever_a_real_unpickler_imports_was_noted(base, program):
    real = harmless(base)(io.BytesIO(program))
    with contextlib.suppress(Exception):  # it may end in any way: what it imported before counts
        real.load()
    noted = run(program).imports
    if any(found.name == "frame" for found in noted):
        return  # refused as a whole: unpicklers disagree about it
    names = {(IMPORT_MAPPING.get(found.module, found.module), found.name) for found in noted}
    assert real.seen <= names | {(found.module, found.name) for found in noted}


@pytest.mark.parametrize(
    ("program", "module", "name"),
    [
        (b"cos\nsystem\n.", "os", "system"),
        (b"(ios\nsystem\n.", "os", "system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os", "system"),
        (b"U\x02osU\x06system\x93.", "os", "system"),
        (b"S'os'\nS'sys\\x74em'\n\x93.", "os", "system"),
        (b"Vos\nVs\\u0079stem\n\x93.", "os", "system"),
        (b"X\x02\0\0\0osp0\n0X\x06\0\0\0systemp1\n0g0\ng1\n\x93.", "os", "system"),
        (b"\x8d\x02\0\0\0\0\0\0\0os(NN1\x8c\x06system\x93.", "os", "system"),
        (b"(\x8c\x02os20\x8c\x06system\x930.", "os", "system"),
    ],
)
def test_a_name_is_found_however_it_reaches_the_stack(program, module, name):
    assert (module, name) in {(found.module, found.name) for found in run(program).imports}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"", "needs 1 more bytes"),
        (b"}", "needs 1 more bytes"),
        (b"\xff.", "no opcode"),
        (b".", "takes more from the stack"),
        (b"(0.", "takes more from the stack"),
        (b"N(0R.", "takes more from the stack"),
        (b"N(R.", "takes more from the stack"),
        (b"t.", "needs a mark"),
        (b"h\x05.", "never put there"),
        (b"gx\n.", "memo index"),
        (b"}(Nu.", "a key without a value"),
        (b"]Na(o.", "of no class"),
        (b"\x80\x06N.", "protocol 6"),
        (b"X\xff\xff\xff\x7fa.", "more bytes at offset"),
        (b"T\xff\xff\xff\xff.", "a length of -1"),
        (b"\x8b\xff\xff\xff\xff.", "a length of -1"),
        (b"\x8c\x01\xff.", "not utf-8"),
        (b"S'os\n.", "quotes"),
        (b"V\\u00\n.", "raw-unicode-escape"),
        (b"NNb.", "cannot be changed"),
        (b"Ione\n.", "no number"),
    ],
)
def test_a_broken_pickle_says_where_and_what(program, message):
    broken = run(program).broken
    assert message in broken.message
    assert broken.where


def test_numbers_that_would_take_long_to_parse_are_left_alone():
    for program in (
        b"L" + b"9" * 1_000_000 + b"L\n.",
        b"\x8b" + struct.pack("<i", 1 << 20) + b"\xff" * (1 << 20) + b".",
    ):
        found = run(program)
        assert found.broken is None
        assert isinstance(found.value, Opaque)


def test_long_bytes_and_texts_stay_in_the_file():
    payload = b"\xe9" * 10_000
    program = (
        b"(B" + struct.pack("<I", len(payload)) + payload + b"T" + struct.pack("<i", len(payload)) + payload + b"t."
    )
    raw, old = run(program).value
    assert (raw.offset, raw.length, raw.encoding) == (6, 10_000, "")
    assert (old.offset, old.length, old.encoding) == (10_011, 10_000, "latin-1")


def test_a_short_string_of_python_2_remembers_where_it_lies():
    value = run(b"U\x03abc.").value
    assert value == "abc"
    assert isinstance(value, OldString)
    assert value.offset == 2


def test_pickles_that_follow_one_another_are_all_run():
    data = pickle.dumps(1) + pickle.dumps([2]) + pickle.dumps({3: 4}, 0)
    stream = interpret_all(BytesSource(data))
    assert len(stream.pickles) == 3
    assert stream.stop == len(data)


def test_bytes_after_the_last_pickle_are_not_one():
    data = pickle.dumps(1)
    stream = interpret_all(BytesSource(data + b"\0" * 100))
    assert len(stream.pickles) == 1
    assert stream.stop == len(data)


def test_calls_and_changes_are_kept_with_the_object():
    found = run(b"\x80\x02cm\nC\n)\x81}X\x01\x00\x00\x00aK\x01sb]K\x02aa.")
    call = found.value
    assert isinstance(call.function, Global)
    assert (call.qualified, call.way, call.args) == ("m.C", "new", ())
    assert list(call.states[0]) == [("a", 1)]
    assert [item.items for item in call.items] == [[2]]
