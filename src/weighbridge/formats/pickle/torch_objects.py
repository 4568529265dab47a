"""What the calls that rebuild PyTorch's tensors mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from weighbridge.errors import FormatError, LimitError, UnsupportedError
from weighbridge.formats.pickle.found import Absent, Found, Parts, Storage, Surroundings, checked, is_row_major
from weighbridge.formats.pickle.numpy_objects import arrays_in
from weighbridge.formats.pickle.render import brief
from weighbridge.formats.pickle.values import Call, Global, Items, Pairs, Persistent, Raw, Value
from weighbridge.tensors import DType, dtype_named

# By the names of torch's data types. Types of two or more elements a byte are listed as the bytes that hold them.
_DTYPES = {
    "float64": "F64", "double": "F64", "float32": "F32", "float": "F32", "float16": "F16", "half": "F16",
    "bfloat16": "BF16", "int64": "I64", "long": "I64", "int32": "I32", "int": "I32", "int16": "I16", "short": "I16",
    "int8": "I8", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL",
    "complex64": "C64", "cfloat": "C64", "complex128": "C128", "cdouble": "C128", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0", "float4_e2m1fn_x2": "U8", "qint8": "I8", "quint8": "U8", "qint32": "I32",
    "quint4x2": "U8", "quint2x4": "U8", "bits8": "U8", "bits16": "U16", "bits1x8": "U8", "bits2x4": "U8",
    "bits4x2": "U8",
}  # fmt: skip
_STORAGES = {
    "Double": "F64", "Float": "F32", "Half": "F16", "BFloat16": "BF16", "Long": "I64", "Int": "I32", "Short": "I16",
    "Char": "I8", "Byte": "U8", "Bool": "BOOL", "ComplexFloat": "C64", "ComplexDouble": "C128", "QInt8": "I8",
    "QUInt8": "U8", "QInt32": "I32", "QUInt4x2": "U8", "QUInt2x4": "U8",
}  # fmt: skip
_MOST_PARTS = 12
_PACKED = "torch.storage._load_from_bytes"
_UNTYPED = ("UntypedStorage", "_UntypedStorage")


def dtype_of_storage(value: Value) -> DType | None:
    """The element type of a storage class; None for storages of plain bytes. Raises `UnsupportedError`."""
    name = value.name if isinstance(value, Global) and value.module.startswith("torch") else ""
    if name in _UNTYPED:
        return None
    dtype = dtype_named(_STORAGES.get(name.removesuffix("Storage"), ""))
    if dtype is None or not name.endswith("Storage"):
        raise UnsupportedError(f"a storage of type {brief(value, 60)}")
    return dtype


def dtype_of_name(value: Value) -> DType:
    """The element type that a ``torch.float32`` and the like name. Raises `UnsupportedError`."""
    name = value.name if isinstance(value, Global) and value.module == "torch" else ""
    dtype = dtype_named(_DTYPES.get(name, ""))
    if dtype is None:
        raise UnsupportedError(f"a tensor of type {brief(value, 60)}")
    return dtype


def tensors_in(value: Call, around: Surroundings) -> Parts | None:
    """The tensors that a call rebuilds; None where it rebuilds none.

    Raises `FormatError` where a tensor would leave its storage, `UnsupportedError` where we have no type for it.
    """
    rebuild = _REBUILDERS.get(value.qualified)
    if rebuild is not None:
        parts = rebuild(value.arguments, around.deeper())
        if len(parts) > _MOST_PARTS:
            raise LimitError(f"a tensor made of {len(parts)} others", where=around.source.name)
        return parts
    if value.qualified.startswith("torch.") and value.qualified.endswith("Tensor") and value.states:
        return _from_state(value, around)
    return arrays_in(value, around)


def _parts(value: Value, around: Surroundings) -> Parts:
    """The parts of a value that has to be a tensor."""
    found = tensors_in(value, around) if isinstance(value, Call) else None
    if found is None:
        raise FormatError(f"expected a tensor, found {brief(value, 60)}", where=around.source.name)
    return found


def _arguments(args: tuple[Value, ...], count: int, around: Surroundings) -> tuple[Value, ...]:
    if len(args) < count:
        raise FormatError(f"a tensor is rebuilt from {len(args)} values, not {count}", where=around.source.name)
    return args


def _plain(args: tuple[Value, ...], around: Surroundings) -> Parts:
    """Storage, offset, shape, strides: _rebuild_tensor, _v2 (which adds gradients) and _v3 (and a dtype)."""
    reference, offset, size, stride = _arguments(args, 4, around)[:4]
    storage = storage_of(reference, around)
    dtype = dtype_of_name(args[6]) if len(args) > 6 and isinstance(args[6], Global) else storage.dtype
    if isinstance(storage.start, int) and storage.nbytes is None:
        raise FormatError("a storage of unknown length", where=around.source.name)
    if any(isinstance(flags, Pairs) and len(flags) for flags in args[6:8]):
        raise UnsupportedError("a tensor that is kept as the conjugate or the negative of its elements")
    shape, strides = _ints(size, around), _ints(stride, around)
    if type(offset) is not int or dtype is None:
        raise FormatError(f"a tensor at offset {brief(offset)} of a storage without type", where=around.source.name)
    plain = len(shape) == len(strides) and is_row_major(shape, strides)
    return [
        (
            "",
            checked(
                Found(dtype, shape, storage, offset + storage.offset, None if plain else strides), around.source.name
            ),
        )
    ]


def _ints(value: Value, around: Surroundings) -> tuple[int, ...]:
    """A shape or strides: a tuple, a list, or a torch.Size of one."""
    if isinstance(value, Call) and value.qualified == "torch.Size" and len(value.arguments) == 1:
        value = value.arguments[0]
    items = tuple(value.items) if isinstance(value, Items) else value
    if not isinstance(items, tuple) or not all(type(item) is int for item in items):
        raise FormatError(f"expected a shape, found {brief(value, 60)}", where=around.source.name)
    return items


@dataclass(frozen=True, slots=True)
class StorageId:
    """What PyTorch writes in place of a storage: ('storage', type, key, device, elements)."""

    key: str
    dtype: DType | None
    count: int
    nbytes: int
    offset: int

    @classmethod
    def parse(cls, reference: Persistent, where: str) -> StorageId:
        """Raises `FormatError` where it is none, `UnsupportedError` for a type that we do not know.

        Files of the first versions add a view: (its key, its offset in elements, its length) or None.
        """
        parts = reference.id
        if not isinstance(parts, tuple) or not 5 <= len(parts) <= 6 or not isinstance(parts[2], str):
            raise FormatError(f"a storage with the id {brief(parts)}", where=where)
        count, view = parts[4], parts[5] if len(parts) == 6 else None
        offset = view[1] if isinstance(view, tuple) and len(view) == 3 else 0
        if type(count) is not int or type(offset) is not int or count < 0 or offset < 0:
            raise FormatError(f"a storage of {brief(count)} elements, seen from {brief(offset)}", where=where)
        dtype = dtype_of_storage(parts[1])
        return cls(str(parts[2]), dtype, count, count * (dtype.itemsize if dtype else 1), offset)


def storage_of(value: Value, around: Surroundings) -> Storage:
    """The storage that a value stands for: one that lies outside the pickle, or a file packed in it."""
    if isinstance(value, Call) and value.qualified.rpartition(".")[2] in ("TypedStorage", "_TypedStorage"):
        raise UnsupportedError("a storage that is pickled as an object")
    if isinstance(value, Call) and value.qualified == _PACKED:
        value = value.arguments[0] if value.arguments else None
    if not isinstance(value, Persistent | Raw):
        raise FormatError(f"expected a storage, found {brief(value, 60)}", where=around.source.name)
    return around.storage(value)


def storage_alone(reference: Persistent, around: Surroundings) -> Parts:
    """A storage that is kept as a value of its own: the elements in a row, bytes where it has no type."""
    storage = around.storage(reference)
    dtype = storage.dtype or dtype_of_name(Global("torch", "uint8"))
    items = (storage.nbytes or 0) // dtype.block_bytes - storage.offset
    return [("", checked(Found(dtype, (items,), storage, storage.offset), around.source.name))]


def _first(args: tuple[Value, ...], around: Surroundings) -> Parts:
    """Parameters and tensors moved between devices: the tensor is the first argument."""
    return _parts(_arguments(args, 1, around)[0], around)


def _from_type(args: tuple[Value, ...], around: Surroundings) -> Parts:
    """A tensor of a subclass: the function that rebuilds it, its class, the function's arguments, its attributes."""
    function, _, inner = _arguments(args, 3, around)[:3]
    return _parts(Call(function, inner, "call"), around)


def _from_state(value: Call, around: Surroundings) -> Parts | None:
    """Tensors of the first versions: an object whose state is storage, offset, shape and strides."""
    state = value.states[-1] if value.states else None
    if isinstance(state, tuple) and len(state) == 4 and isinstance(state[0], Persistent):
        return _plain(state, around)
    return None


def _quantised(args: tuple[Value, ...], around: Surroundings) -> Parts:
    """The stored integers, and for types with a scale for every channel the scales and zero points."""
    parts = _plain(args[:4], around)
    parameters = _arguments(args, 5, around)[4]
    names = ("", "q_per_channel_scales", "q_per_channel_zero_points")
    for name, value in zip(names, parameters if isinstance(parameters, tuple) else (), strict=False):
        if isinstance(value, Call) and (inner := tensors_in(value, around)):
            parts += [(name, found) for suffix, found in inner if not suffix]
    return parts


def _sparse(args: tuple[Value, ...], around: Surroundings) -> Parts:
    """The dense tensors that a sparse one is made of: indices and values."""
    layout, data = _arguments(args, 2, around)[:2]
    if not isinstance(data, tuple):
        raise FormatError(f"a sparse tensor of {brief(data, 60)}", where=around.source.name)
    coordinates = "coo" in brief(layout, 200)
    names = ("indices", "values") if coordinates else ("compressed_indices", "plain_indices", "values")
    return _named(names, data, around)


def _nested(args: tuple[Value, ...], around: Surroundings) -> Parts:
    return _named(("values", "sizes", "strides", "offsets"), args, around)


def _named(names: tuple[str, ...], values: tuple[Value, ...], around: Surroundings) -> Parts:
    parts: Parts = []
    for name, value in zip(names, _arguments(values, len(names), around), strict=False):
        parts += [(".".join(filter(None, (name, suffix))), found) for suffix, found in _parts(value, around)]
    return parts


def _without_values(args: tuple[Value, ...], around: Surroundings) -> Parts:
    dtype, size = _arguments(args, 2, around)[:2]
    return [("", Absent(f"a tensor without values: {brief(dtype, 40)}, shape {list(_ints(size, around))}"))]


def _wrapper(args: tuple[Value, ...], around: Surroundings) -> Parts:
    return [("", Absent("a tensor subclass without a storage of its own"))]


Rebuilder = Callable[[tuple[Value, ...], Surroundings], Parts]

_REBUILDERS: dict[str, Rebuilder] = {
    **dict.fromkeys(
        ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3"), _plain
    ),
    **dict.fromkeys(
        (
            "torch._utils._rebuild_parameter",
            "torch._utils._rebuild_parameter_with_state",
            "torch._utils._rebuild_device_tensor_from_numpy",
            "torch._utils._rebuild_device_tensor_from_cpu_tensor",
            "torch._utils._rebuild_xla_tensor",
            "torch.nn.parameter.Parameter",
            "torch.nn.parameter.Buffer",
        ),
        _first,
    ),
    "torch._tensor._rebuild_from_type": _from_type,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch._utils._rebuild_qtensor": _quantised,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_sparse_csr_tensor": _sparse,
    "torch._utils._rebuild_nested_tensor": _nested,
    "torch._utils._rebuild_meta_tensor_no_storage": _without_values,
    "torch._utils._rebuild_wrapper_subclass": _wrapper,
}
