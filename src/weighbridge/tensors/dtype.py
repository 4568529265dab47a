"""How one element of a tensor is stored.

Names are those of safetensors where it has one (``BF16``, ``F8_E4M3``, ``I64`` …) and those of GGML for block-quantised
types (``Q4_K`` …). A block-quantised type stores `block_items` elements in `block_bytes` bytes; every other type has
one element a block, or several where an element is narrower than a byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["float", "int", "uint", "bool", "complex", "quantised"]


@dataclass(frozen=True, slots=True)
class DType:
    """One storage type. `exponent` and `mantissa` are widths in bits, 0 where the type has no such field."""

    name: str
    kind: Kind
    block_bytes: int
    block_items: int = 1
    numpy_name: str | None = None
    exponent: int = 0
    mantissa: int = 0

    @property
    def bits(self) -> float:
        """Stored bits for each element; not whole for types with a scale for every block."""
        return 8 * self.block_bytes / self.block_items

    @property
    def itemsize(self) -> int:
        """Bytes of one element; 0 for types whose elements cannot be addressed one by one."""
        return self.block_bytes if self.block_items == 1 else 0

    @property
    def numpy(self) -> np.dtype | None:
        """The numpy dtype (ml_dtypes for bf16 and fp8), or None where numpy has no such type."""
        return _numpy_dtype(self.numpy_name) if self.numpy_name else None

    def nbytes(self, items: int) -> int:
        """Bytes that `items` elements take. Raises ValueError where they do not fill whole blocks."""
        blocks, rest = divmod(items, self.block_items)
        if rest:
            raise ValueError(f"{items} elements do not fill whole blocks of {self.block_items} ({self.name})")
        return blocks * self.block_bytes

    def __str__(self) -> str:
        return self.name


@cache
def _numpy_dtype(name: str) -> np.dtype:
    import ml_dtypes
    import numpy as np

    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)


_PLAIN = (
    DType("F64", "float", 8, numpy_name="float64", exponent=11, mantissa=52),
    DType("F32", "float", 4, numpy_name="float32", exponent=8, mantissa=23),
    DType("F16", "float", 2, numpy_name="float16", exponent=5, mantissa=10),
    DType("BF16", "float", 2, numpy_name="bfloat16", exponent=8, mantissa=7),
    DType("F8_E4M3", "float", 1, numpy_name="float8_e4m3fn", exponent=4, mantissa=3),
    DType("F8_E5M2", "float", 1, numpy_name="float8_e5m2", exponent=5, mantissa=2),
    DType("F8_E4M3FNUZ", "float", 1, numpy_name="float8_e4m3fnuz", exponent=4, mantissa=3),
    DType("F8_E5M2FNUZ", "float", 1, numpy_name="float8_e5m2fnuz", exponent=5, mantissa=2),
    DType("F8_E8M0", "float", 1, numpy_name="float8_e8m0fnu", exponent=8),
    DType("F6_E2M3", "float", 3, 4, exponent=2, mantissa=3),
    DType("F6_E3M2", "float", 3, 4, exponent=3, mantissa=2),
    DType("F4", "float", 1, 2, exponent=2, mantissa=1),
    DType("I64", "int", 8, numpy_name="int64"),
    DType("I32", "int", 4, numpy_name="int32"),
    DType("I16", "int", 2, numpy_name="int16"),
    DType("I8", "int", 1, numpy_name="int8"),
    DType("U64", "uint", 8, numpy_name="uint64"),
    DType("U32", "uint", 4, numpy_name="uint32"),
    DType("U16", "uint", 2, numpy_name="uint16"),
    DType("U8", "uint", 1, numpy_name="uint8"),
    DType("BOOL", "bool", 1, numpy_name="bool"),
    DType("C64", "complex", 8, numpy_name="complex64", exponent=8, mantissa=23),
    DType("C128", "complex", 16, numpy_name="complex128", exponent=11, mantissa=52),
)

# Bytes and items of each block, from ggml's type table (ggml-common.h; also gguf.GGML_QUANT_SIZES).
_BLOCKS = (
    ("Q4_0", 18, 32), ("Q4_1", 20, 32), ("Q5_0", 22, 32), ("Q5_1", 24, 32), ("Q8_0", 34, 32), ("Q8_1", 40, 32),
    ("Q2_K", 84, 256), ("Q3_K", 110, 256), ("Q4_K", 144, 256), ("Q5_K", 176, 256), ("Q6_K", 210, 256),
    ("Q8_K", 292, 256), ("IQ2_XXS", 66, 256), ("IQ2_XS", 74, 256), ("IQ3_XXS", 98, 256), ("IQ1_S", 50, 256),
    ("IQ4_NL", 18, 32), ("IQ3_S", 110, 256), ("IQ2_S", 82, 256), ("IQ4_XS", 136, 256), ("IQ1_M", 56, 256),
    ("TQ1_0", 54, 256), ("TQ2_0", 66, 256), ("MXFP4", 17, 32), ("NVFP4", 36, 64), ("Q1_0", 18, 128),
)  # fmt: skip

_BY_NAME = {dtype.name: dtype for dtype in _PLAIN} | {
    name: DType(name, "quantised", size, items) for name, size, items in _BLOCKS
}


def dtype_named(name: str) -> DType | None:
    """The dtype of this name, or None where there is none."""
    return _BY_NAME.get(name)


def dtype_from_numpy(dtype: np.dtype) -> DType | None:
    """The dtype that stores this numpy dtype in either byte order, or None where we have no name for it."""
    return _by_numpy_name().get(dtype.newbyteorder("=").name)


@cache
def _by_numpy_name() -> dict[str, DType]:
    return {dtype.numpy_name: dtype for dtype in _PLAIN if dtype.numpy_name}
