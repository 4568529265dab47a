"""The vocabulary that everything else speaks: what a tensor is before anybody reads it.

- `DType`: how one element is stored, and how its bits divide into fields.
- `TensorInfo`: a name, a dtype, a shape, and where the bytes lie.
- `Extent`: a range of raw element bytes in a file.
- `ByteSource`: something of a known size that can be read at an offset.
- `Digest`: a hash that knows its algorithm.
- `safe_relative_name`: the one rule for names of files that come from elsewhere.

A leaf: it imports numpy and our errors, never another layer. It knows nothing of any file format.
"""

from weighbridge.tensors.digest import Digest
from weighbridge.tensors.dtype import DType, dtype_from_numpy, dtype_named
from weighbridge.tensors.info import Extent, TensorInfo
from weighbridge.tensors.names import safe_relative_name
from weighbridge.tensors.source import ByteSource, BytesSource, FileSource, SliceSource

__all__ = [
    "ByteSource",
    "BytesSource",
    "DType",
    "Digest",
    "Extent",
    "FileSource",
    "SliceSource",
    "TensorInfo",
    "dtype_from_numpy",
    "dtype_named",
    "safe_relative_name",
]
