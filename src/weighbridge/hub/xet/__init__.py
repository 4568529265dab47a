"""Uploads by chunks: what Xet clients send becomes stored files, and stays within reach of later uploads.

- `Xet`: the use cases.
- `Scope`, `Pass`: what a token is good for, and what a client is given.
- `ChunkTable`: the chunks of one xorb. `Span`: some of them. `Run`: where they lie in a stored file.
- `XetFile`: a file by its Xet hash, and the stored file (sha256) that it is.

A xorb is kept as it came until all its chunks lie in stored files; from then on a chunk is an alias of a byte range. An
account may refer to the chunks of xorbs that it has itself sent whole, and to no others. See docs/design/0006.
"""

from weighbridge.hub.xet.reconstruction import Part, Reconstruction
from weighbridge.hub.xet.service import Xet
from weighbridge.hub.xet.values import Pass, Progress, Run, Scope, Span, XetFile

__all__ = ["Part", "Pass", "Progress", "Reconstruction", "Run", "Scope", "Span", "Xet", "XetFile"]
