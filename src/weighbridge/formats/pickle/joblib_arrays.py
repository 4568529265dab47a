"""Arrays that joblib writes into the middle of a pickle.

After the BUILD that completes a ``NumpyArrayWrapper``, joblib's unpickler reads the array's bytes from the file before
it goes on with the next opcode; arrays of objects are a whole pickle there. An ordinary unpickler would run those
bytes as opcodes, so a file with such wrappers is run in both ways and judged by both.
"""

from __future__ import annotations

import re
from math import prod

from weighbridge.formats.pickle.machine import Machine
from weighbridge.formats.pickle.render import brief
from weighbridge.formats.pickle.steps import run
from weighbridge.formats.pickle.values import Call, Pairs, Raw, Value

WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_SIZED = re.compile(r"[<>=|]?([?bBiufcSUVmM])(\d+)(\[.*\])?")
_HAS_OBJECTS = 1  # of a dtype's flags, the last value of its state


def read_wrapped(machine: Machine, built: Call) -> None:
    """Step over the array that follows its wrapper, and keep its place as the wrapper's one item."""
    if built.qualified != WRAPPER or not built.states or not isinstance(built.states[-1], Pairs):
        return
    state = attributes(built)
    dtype = state.get("dtype")
    if _holds_objects(dtype):
        built.items = [_nested(machine)]
        return
    shape = state.get("shape")
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise machine.fault(f"completes an array of shape {brief(shape, 60)}")
    if state.get("numpy_array_alignment_bytes") is not None:
        machine.reader.skip(machine.reader.byte())
    nbytes = prod(shape) * _itemsize(machine, dtype)
    built.items = [Raw(machine.reader.skip(nbytes), nbytes)]


def attributes(wrapper: Call) -> dict[str, Value]:
    """The attributes that a wrapper was given: shape, order, dtype and the like."""
    state = wrapper.states[-1] if wrapper.states else None
    if not isinstance(state, Pairs):
        return {}
    return {str(key): value for key, value in state.first(16) if isinstance(key, str)}


def _nested(machine: Machine) -> Value:
    """Run the pickle that stands for an array of objects; what it imports counts as imported by the outer one."""
    inner = Machine(machine.reader, machine.budget)
    inner.imports, inner.notes, inner.outside = machine.imports, machine.notes, machine.outside
    inner.blobs, inner.suspects = machine.blobs, machine.suspects
    value = run(inner)
    machine.complaint = machine.complaint or inner.complaint
    return value


def _spelled(dtype: Value) -> str:
    first = dtype.arguments[0] if isinstance(dtype, Call) and dtype.arguments else None
    return first if isinstance(first, str) else ""


def _holds_objects(dtype: Value) -> bool:
    state = dtype.states[-1] if isinstance(dtype, Call) and dtype.states else ()
    flags = state[-1] if isinstance(state, tuple) and len(state) >= 8 else 0
    return "O" in _spelled(dtype) or (isinstance(flags, int) and bool(flags & _HAS_OBJECTS))


def _itemsize(machine: Machine, dtype: Value) -> int:
    found = _SIZED.fullmatch(_spelled(dtype))
    if found is None or len(found[2]) > 9:
        raise machine.fault(f"completes an array of dtype {brief(dtype, 60)}, whose size we do not know")
    return int(found[2]) * (4 if found[1] == "U" else 1)
