"""The names that a checkpoint may import.

A permit promises: importing this name is harmless, and so is calling it, in the ways the permit names, with any
arguments that are themselves permitted, and setting any state on what it gives. Where that holds for some arguments
only, the permit names a rule that looks at them. A name that is not here is never called safe.

Names are exact. There is no "everything in torch": ``torch.hub.load`` is in torch.
"""

from __future__ import annotations

from weighbridge.formats.pickle._permits_python import PYTHON
from weighbridge.formats.pickle._permits_science import SCIENCE
from weighbridge.formats.pickle._permits_torch import TORCH
from weighbridge.formats.pickle.permit import Permit

ALLOWLIST: dict[tuple[str, str], Permit] = {**PYTHON, **SCIENCE, **TORCH}


def permit_for(module: str, name: str) -> Permit | None:
    """The permit of exactly this name, or None."""
    return ALLOWLIST.get((module, name))
