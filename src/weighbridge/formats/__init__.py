"""File formats: told by their bytes, indexed without reading tensor data, read without executing anything.

- `Format`: one format; `sniff` recognises it, `index` lists its tensors, `read` gives one tensor's values.
- `FileIndex`: everything that a file's own structure says: tensors, metadata, extents, anomalies, what its pickles
  would do.
- `FORMATS`: the registry, an explicit tuple. Adding a format is adding a module and naming it here.

May import tensors and errors. Never opens a file by name (it is given a `ByteSource`), never imports a module that a
file names, never allocates what a header claims before the file's size has confirmed it.
"""

from weighbridge.formats.base import Anomaly, FileIndex, Format, PickleImport, PickleScan, Verdict
from weighbridge.formats.registry import FORMATS, identify, index, sniff

__all__ = [
    "FORMATS",
    "Anomaly",
    "FileIndex",
    "Format",
    "PickleImport",
    "PickleScan",
    "Verdict",
    "identify",
    "index",
    "sniff",
]
