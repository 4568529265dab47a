"""Weighbridge: an open-source home for model weights.

A tour::

    import weighbridge as wb

    model = wb.open("model.safetensors")        # or a .pth, a GGUF, a folder: a mapping of lazy tensors
    model["embeddings.weight"].numpy()          # read only now; PyTorch files too, without torch, nothing executed
    report = wb.check("downloaded/")            # what is inside, and is it safe to open?
    store = wb.Store.open("weights", create=True)
    store.add(wb.FileSource("model.safetensors"))

Names are loaded when first used: importing weighbridge imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # not typing's: importing typing would double what this module costs
if TYPE_CHECKING:
    from weighbridge.checkpoint import Checkpoint, open  # noqa: A004
    from weighbridge.checks import check
    from weighbridge.errors import WeighbridgeError
    from weighbridge.report import Finding, Outcome, Report, Severity
    from weighbridge.store import Store
    from weighbridge.tensors import DType, FileSource, TensorInfo

_HOMES = {
    "Checkpoint": "weighbridge.checkpoint",
    "DType": "weighbridge.tensors",
    "FileSource": "weighbridge.tensors",
    "Finding": "weighbridge.report",
    "Outcome": "weighbridge.report",
    "Report": "weighbridge.report",
    "Severity": "weighbridge.report",
    "Store": "weighbridge.store",
    "TensorInfo": "weighbridge.tensors",
    "WeighbridgeError": "weighbridge.errors",
    "check": "weighbridge.checks",
    "open": "weighbridge.checkpoint",
}

__all__ = [
    "Checkpoint",
    "DType",
    "FileSource",
    "Finding",
    "Outcome",
    "Report",
    "Severity",
    "Store",
    "TensorInfo",
    "WeighbridgeError",
    "__version__",
    "check",
    "open",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'weighbridge' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
