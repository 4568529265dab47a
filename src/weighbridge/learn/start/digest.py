"""One digest for the tensors of a checkpoint, whichever format and how many files hold them."""

from __future__ import annotations

from blake3 import blake3

from weighbridge.checkpoint import Checkpoint


def tensors_digest(checkpoint: Checkpoint) -> str:
    """BLAKE3, as hex, of every tensor's name, type, shape and bytes, in the order of names. Memory: one tensor."""
    hasher = blake3()
    for name in sorted(checkpoint):
        tensor = checkpoint[name]
        shape = ",".join(map(str, tensor.shape))
        hasher.update(f"{len(name.encode())}:{name}:{tensor.dtype}:{shape}:".encode())
        hasher.update(tensor.read_bytes())
    return hasher.hexdigest()
