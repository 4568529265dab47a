"""What the calls that rebuild NumPy's arrays, dtypes and scalars mean."""

from __future__ import annotations

import struct

from weighbridge.errors import FormatError, UnsupportedError
from weighbridge.formats.pickle.found import ByteOrder, Found, Parts, Storage, Surroundings, checked, row_major
from weighbridge.formats.pickle.joblib_arrays import WRAPPER, attributes
from weighbridge.formats.pickle.opcodes import decode, unquote
from weighbridge.formats.pickle.render import brief
from weighbridge.formats.pickle.values import Call, Global, OldString, Raw, Value
from weighbridge.tensors import DType, dtype_named

_CORES = ("numpy.core", "numpy._core")
_RECONSTRUCT = frozenset(f"{core}.multiarray._reconstruct" for core in _CORES)
_FROMBUFFER = frozenset(f"{core}.numeric._frombuffer" for core in _CORES)
_SCALAR = frozenset(f"{core}.multiarray.scalar" for core in _CORES)
_MASKED = "numpy.ma.core._mareconstruct"

_DTYPES = {
    "b1": "BOOL", "?": "BOOL", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "u1": "U8", "u2": "U16", "u4": "U32",
    "u8": "U64", "f2": "F16", "f4": "F32", "f8": "F64", "c8": "C64", "c16": "C128",
}  # fmt: skip
_ML_DTYPES = {
    "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
}  # fmt: skip
_SCALARS = {
    "BOOL": "?", "I8": "b", "I16": "h", "I32": "i", "I64": "q", "U8": "B", "U16": "H", "U32": "I", "U64": "Q",
    "F16": "e", "F32": "f", "F64": "d",
}  # fmt: skip


def arrays_in(value: Call, around: Surroundings) -> Parts | None:
    """The arrays that a call rebuilds; None where it is no array.

    Raises `UnsupportedError` for arrays whose elements we have no type for: objects, records, dates, text.
    """
    name = value.qualified
    if name in _FROMBUFFER and len(value.arguments) >= 3:
        buffer, dtype, shape = value.arguments[:3]
        order = value.arguments[3] if len(value.arguments) > 3 else "C"
        return [("", _array(buffer, dtype, shape, order == "F", around))]
    if name == WRAPPER and value.items:
        given = attributes(value)
        return [("", _array(value.items[0], given.get("dtype"), given.get("shape"), given.get("order") == "F", around))]
    if name not in _RECONSTRUCT and name != _MASKED:
        return None
    state = value.states[-1] if value.states else None
    if not isinstance(state, tuple) or len(state) < 4:
        raise UnsupportedError("an array whose pickle does not hold its contents")
    if name == _MASKED:
        return _masked(state, around)
    shape, dtype, fortran, data = state[-4:]
    return [("", _array(data, dtype, shape, bool(fortran), around))]


def _masked(state: tuple[Value, ...], around: Surroundings) -> Parts:
    if len(state) != 7:
        raise UnsupportedError("a masked array of an unknown version")
    _, shape, dtype, fortran, data, mask, _ = state
    mask_dtype = Call(Global("numpy", "dtype"), ("b1",), "call")
    return [
        ("", _array(data, dtype, shape, bool(fortran), around)),
        ("mask", _array(mask, mask_dtype, shape, bool(fortran), around)),
    ]


def _array(data: Value, dtype: Value, shape: Value, fortran: bool, around: Surroundings) -> Found:
    kind, byteorder = dtype_of(dtype)
    if not isinstance(shape, tuple) or not all(type(size) is int for size in shape):
        raise FormatError(f"an array of shape {brief(shape)}", where=around.source.name)
    storage = bytes_of(data, kind, byteorder, around)
    strides = tuple(reversed(row_major(tuple(reversed(shape))))) if fortran and len(shape) > 1 else None
    return checked(Found(kind, shape, storage, strides=strides), around.source.name)


def dtype_of(value: Value) -> tuple[DType, ByteOrder]:
    """The element type that a pickled ``numpy.dtype`` names. Raises `UnsupportedError` for one without numbers."""
    if not isinstance(value, Call) or value.qualified != "numpy.dtype" or not value.arguments:
        raise UnsupportedError(f"an array of {brief(value)}")
    spelled = value.arguments[0]
    state = value.states[-1] if value.states else ()
    if isinstance(spelled, Global) and spelled.module == "ml_dtypes":
        name = _ML_DTYPES.get(spelled.name, "")
    else:
        name = _DTYPES.get(spelled.lstrip("<>=|"), "") if isinstance(spelled, str) else ""
    dtype = dtype_named(name)
    if dtype is None:
        raise UnsupportedError(f"an array of dtype {brief(spelled, 40)}")
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else spelled
    return dtype, ">" if isinstance(order, str) and order.startswith(">") else "<"


def bytes_of(data: Value, dtype: DType | None, byteorder: ByteOrder, around: Surroundings) -> Storage:
    """The storage that a pickled string of bytes is, raw in the file where it lies so."""
    if isinstance(data, Call) and data.qualified == "_codecs.encode" and data.arguments:
        text = data.arguments[0]
        return Storage(None, None, dtype, lambda: _encoded(text, around), byteorder)
    if isinstance(data, OldString) and data.offset < 0:
        return Storage(None, len(data), dtype, lambda: data.encode("latin-1"), byteorder)
    if isinstance(data, OldString):
        data = Raw(data.offset, len(data))
    if isinstance(data, Call) and data.qualified in ("builtins.bytes", "__builtin__.bytes") and not data.arguments:
        return Storage(None, 0, dtype, bytes, byteorder)
    if not isinstance(data, Raw) or data.encoding not in ("", "latin-1", "escaped"):
        raise UnsupportedError(f"an array whose contents are {brief(data, 60)}, not bytes")
    raw = data
    if raw.encoding == "escaped":
        return Storage(None, None, dtype, lambda: unquote(_read(raw, around), around.source.name), byteorder)
    start = None if around.base is None else around.base + raw.offset
    return Storage(start, raw.length, dtype, lambda: _read(raw, around), byteorder)


def _read(raw: Raw, around: Surroundings) -> bytes:
    return around.source.read_at(raw.offset, raw.length)


def _encoded(text: Value, around: Surroundings) -> bytes:
    """Bytes that Python 3 wrote as text for the sake of Python 2: every byte a character below 256."""
    if isinstance(text, Raw):
        text = decode(_read(text, around), text.encoding, around.source.name)
    if not isinstance(text, str):
        raise UnsupportedError(f"an array whose contents are {brief(text, 60)}, not bytes")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise FormatError("an array's bytes hold a character above 255", where=around.source.name) from None


def scalar_in(value: Call, around: Surroundings) -> float | int | bool | None:
    """The number that a pickled NumPy scalar is; None where the value is no such scalar."""
    if value.qualified not in _SCALAR or len(value.arguments) != 2:
        return None
    try:
        dtype, byteorder = dtype_of(value.arguments[0])
    except UnsupportedError:
        return None
    letter = _SCALARS.get(dtype.name)
    storage = bytes_of(value.arguments[1], dtype, byteorder, around)
    if letter is None or storage.nbytes not in (None, dtype.itemsize):
        return None
    data = storage.load()
    number: float | int | bool | None = None
    if len(data) == dtype.itemsize:
        (number,) = struct.unpack(byteorder + letter, data)
    return number
