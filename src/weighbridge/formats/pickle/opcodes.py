"""The opcodes of protocols 0 to 5, and how the argument of each is written."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from dataclasses import dataclass

from weighbridge.errors import FormatError, LimitError
from weighbridge.formats.pickle.reader import Reader
from weighbridge.formats.pickle.values import Encoding, OldString, Opaque, Raw, Value

INLINE = 1 << 12  # texts longer than this stay in the file
_LONGEST_NUMBER = 1 << 10  # characters or bytes: int() of a million digits takes minutes
_LONGEST_NAME = 1 << 12
NO_NUMBER = "text that is no number"


@dataclass(frozen=True, slots=True)
class Opcode:
    name: str
    read: Callable[[Reader], Value]


def _nothing(reader: Reader) -> None:
    return None


def _unsigned(width: int) -> Callable[[Reader], int]:
    def read(reader: Reader) -> int:
        return int.from_bytes(reader.take(width), "little")

    return read


def _signed4(reader: Reader) -> int:
    return int.from_bytes(reader.take(4), "little", signed=True)


def _float8(reader: Reader) -> float:
    value: float = struct.unpack(">d", reader.take(8))[0]
    return value


def _count(reader: Reader, width: int, signed: bool = False) -> int:
    count = int.from_bytes(reader.take(width), "little", signed=signed)
    if count < 0:
        raise FormatError(f"a length of {count:,} at offset {reader.offset - width:,}", where=reader.source.name)
    return count


def _raw(width: int) -> Callable[[Reader], Raw]:
    def read(reader: Reader) -> Raw:
        count = _count(reader, width)
        return Raw(reader.skip(count), count)

    return read


def _text(width: int) -> Callable[[Reader], Value]:
    def read(reader: Reader) -> Value:
        count = _count(reader, width)
        if count > INLINE:
            return Raw(reader.skip(count), count, "utf-8")
        return _decoded(reader.take(count), "utf-8", reader)

    return read


def _old_string(width: int) -> Callable[[Reader], Value]:
    def read(reader: Reader) -> Value:
        count = _count(reader, width, signed=width == 4)
        if count > INLINE:
            return Raw(reader.skip(count), count, "latin-1")
        offset = reader.offset
        return OldString.at(offset, reader.take(count))

    return read


def _number_bytes(width: int) -> Callable[[Reader], Value]:
    def read(reader: Reader) -> Value:
        count = _count(reader, width, signed=width == 4)
        if count > _LONGEST_NUMBER:
            reader.skip(count)
            return Opaque(f"an integer of {count:,} bytes")
        return int.from_bytes(reader.take(count), "little", signed=True)

    return read


def _unicode_line(reader: Reader) -> Value:
    offset, length, line = reader.line(INLINE)
    return Raw(offset, length, "raw-unicode-escape") if line is None else _decoded(line, "raw-unicode-escape", reader)


def _quoted_line(reader: Reader) -> Value:
    """A string as Python 2 would print it; quotes around it, escapes inside."""
    offset, length, line = reader.line(INLINE)
    if line is None:
        return Raw(offset, length, "escaped")
    return OldString.at(-1, unquote(line, f"{reader.source.name} offset {offset:,}"))


def unquote(line: bytes, where: str) -> bytes:
    """The bytes that a quoted string stands for. Raises `FormatError` where it is not one."""
    stripped = line.strip()
    if len(stripped) < 2 or stripped[:1] != stripped[-1:] or stripped[:1] not in (b"'", b'"'):
        raise FormatError(f"a string without its quotes: {line[:40]!r}", where=where)
    try:
        return codecs.escape_decode(stripped[1:-1])[0]
    except ValueError as error:
        raise FormatError(f"a string with a wrong escape: {error}", where=where) from None


def decode(data: bytes, encoding: Encoding, where: str) -> str:
    """Text of a pickle. Raises `FormatError` where the bytes are not text of that encoding."""
    try:
        return data.decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
    except UnicodeDecodeError as error:
        raise FormatError(f"text that is not {encoding}: {error.reason}", where=where) from None


def _decoded(data: bytes, encoding: Encoding, reader: Reader) -> str:
    return decode(data, encoding, f"{reader.source.name} before offset {reader.offset:,}")


def _int_line(reader: Reader) -> Value:
    _, _, line = reader.line(_LONGEST_NUMBER)
    if line in (b"00", b"01"):
        return line == b"01"
    return _parsed(line, lambda text: int(text, 0))


def _long_line(reader: Reader) -> Value:
    return _parsed(reader.line(_LONGEST_NUMBER)[2], lambda text: int(text.removesuffix("L")))


def _float_line(reader: Reader) -> Value:
    return _parsed(reader.line(_LONGEST_NUMBER)[2], float)


def _parsed(line: bytes | None, parse: Callable[[str], int | float]) -> Value:
    """A number, or `Opaque`: an unpickler may be more lenient than we are, so we never stop at one."""
    if line is None:
        return Opaque("a number that is too long")
    try:
        return parse(line.decode("ascii").strip())
    except ValueError:
        return Opaque(NO_NUMBER)


def _index_line(reader: Reader) -> int:
    line = reader.line(_LONGEST_NUMBER)[2] or b""
    try:
        return int(line)
    except ValueError:
        raise FormatError(
            f"a memo index that is no number before offset {reader.offset:,}", where=reader.source.name
        ) from None


def _name_line(reader: Reader) -> str:
    _, _, line = reader.line(_LONGEST_NAME)
    if line is None:
        raise LimitError(f"an import whose name has more than {_LONGEST_NAME} characters", where=reader.source.name)
    # A name that is not UTF-8 cannot be imported by Python 3, but could by Python 2: keep it visible.
    return line.decode("utf-8", "backslashreplace")


def _two_names(reader: Reader) -> tuple[str, str]:
    return _name_line(reader), _name_line(reader)


_ARGUMENTS: dict[Callable[[Reader], Value], str] = {
    _nothing: (
        "MARK=( STOP=. POP=0 POP_MARK=1 DUP=2 NONE=N BINPERSID=Q REDUCE=R APPEND=a BUILD=b APPENDS=e DICT=d"
        " EMPTY_DICT=} LIST=l EMPTY_LIST=] OBJ=o SETITEM=s TUPLE=t EMPTY_TUPLE=) SETITEMS=u"
    ),
    _float_line: "FLOAT=F",
    _int_line: "INT=I",
    _long_line: "LONG=L",
    _quoted_line: "STRING=S",
    _unicode_line: "UNICODE=V",
    _name_line: "PERSID=P",
    _two_names: "GLOBAL=c INST=i",
    _index_line: "GET=g PUT=p",
    _signed4: "BININT=J",
    _unsigned(1): "BININT1=K BINGET=h BINPUT=q",
    _unsigned(2): "BININT2=M",
    _unsigned(4): "LONG_BINGET=j LONG_BINPUT=r",
    _float8: "BINFLOAT=G",
    _old_string(4): "BINSTRING=T",
    _old_string(1): "SHORT_BINSTRING=U",
    _text(4): "BINUNICODE=X",
    _raw(4): "BINBYTES=B",
    _raw(1): "SHORT_BINBYTES=C",
}

_HIGH: dict[int, Opcode] = {
    0x80: Opcode("PROTO", _unsigned(1)),
    0x81: Opcode("NEWOBJ", _nothing),
    0x82: Opcode("EXT1", _unsigned(1)),
    0x83: Opcode("EXT2", _unsigned(2)),
    0x84: Opcode("EXT4", _signed4),
    0x85: Opcode("TUPLE1", _nothing),
    0x86: Opcode("TUPLE2", _nothing),
    0x87: Opcode("TUPLE3", _nothing),
    0x88: Opcode("NEWTRUE", _nothing),
    0x89: Opcode("NEWFALSE", _nothing),
    0x8A: Opcode("LONG1", _number_bytes(1)),
    0x8B: Opcode("LONG4", _number_bytes(4)),
    0x8C: Opcode("SHORT_BINUNICODE", _text(1)),
    0x8D: Opcode("BINUNICODE8", _text(8)),
    0x8E: Opcode("BINBYTES8", _raw(8)),
    0x8F: Opcode("EMPTY_SET", _nothing),
    0x90: Opcode("ADDITEMS", _nothing),
    0x91: Opcode("FROZENSET", _nothing),
    0x92: Opcode("NEWOBJ_EX", _nothing),
    0x93: Opcode("STACK_GLOBAL", _nothing),
    0x94: Opcode("MEMOIZE", _nothing),
    0x95: Opcode("FRAME", _unsigned(8)),
    0x96: Opcode("BYTEARRAY8", _raw(8)),
    0x97: Opcode("NEXT_BUFFER", _nothing),
    0x98: Opcode("READONLY_BUFFER", _nothing),
}


def _table() -> dict[int, Opcode]:
    table = dict(_HIGH)
    for read, names in _ARGUMENTS.items():
        for entry in names.split():
            name, _, letter = entry.partition("=")
            table[ord(letter)] = Opcode(name, read)
    return table


OPCODES: dict[int, Opcode] = _table()
"""Every opcode by its byte. A byte that is not here ends any unpickler with an error."""
