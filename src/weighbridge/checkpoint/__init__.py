"""A checkpoint: the tensors of one model, wherever they lie.

- `open`: a file, a folder, or a mapping of names to `ByteSource`, as one `Checkpoint`.
- `Checkpoint`: a read-only mapping from names to tensors over files, shards and side files. It never grows verbs:
  what one does with a checkpoint is a function in a layer above.
- `Tensor`: a name, a type, a shape; its values are read when they are asked for.

May import formats, tensors and errors. Opening costs the headers, never the data; nothing is executed; nothing
outside the folder that was given is opened.
"""

from weighbridge.checkpoint.model import Checkpoint
from weighbridge.checkpoint.opening import open  # noqa: A004 (wb.open is the name that people expect)
from weighbridge.checkpoint.tensor import Tensor

__all__ = ["Checkpoint", "Tensor", "open"]
