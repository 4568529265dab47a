"""Whether bytes are a pickle. Protocols before 2 have no signature, so the beginning is run, symbolically, to see."""

from __future__ import annotations

from weighbridge.errors import FormatError, LimitError, TruncatedError
from weighbridge.formats.pickle.machine import Budget, Machine
from weighbridge.formats.pickle.reader import Reader
from weighbridge.formats.pickle.steps import HIGHEST_PROTOCOL, run
from weighbridge.tensors import ByteSource, SliceSource

_HEAD = 4096
_OPERATIONS = 1_000
_PROTO = 0x80


def looks_like_pickle(source: ByteSource) -> bool:
    """Whether an unpickler would get somewhere with these bytes: to an end, or to an import. Cheap; never raises."""
    head = SliceSource(source, 0, min(_HEAD, source.size))
    if head.size == 0:
        return False
    start = head.read_at(0, min(2, head.size))
    if start[0] == _PROTO:
        return len(start) == 2 and start[1] <= HIGHEST_PROTOCOL
    machine = Machine(Reader(head), Budget(_OPERATIONS))
    try:
        run(machine)
    except TruncatedError:
        return _imports(machine) or (source.size > head.size and _is_plausible(machine))
    except LimitError:
        return not machine.complaint
    except FormatError:
        return _imports(machine)
    return not machine.complaint or _imports(machine)


def _is_plausible(machine: Machine) -> bool:
    """Of a file longer than what was run: no oddity, and more than texts and numbers, which prose can look like."""
    return not machine.complaint and bool(machine.marks or machine.memo)


def _imports(machine: Machine) -> bool:
    """Whether it asked for a name that a module could have. Real unpicklers would have imported it by now."""
    return any(
        all(part.isidentifier() for part in module.split(".")) and name.replace(".", "").isidentifier()
        for module, name in machine.imports
    )
