"""What each opcode does to the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from weighbridge.errors import FormatError, LimitError
from weighbridge.formats.pickle.machine import MOST_SUSPECTS, PICKLE_TEXTS, Machine
from weighbridge.formats.pickle.opcodes import NO_NUMBER, OPCODES
from weighbridge.formats.pickle.values import (
    Call,
    Global,
    Items,
    Opaque,
    Pairs,
    Persistent,
    Raw,
    Value,
    Way,
)

HIGHEST_PROTOCOL = 5

Step = Callable[[Machine, Value], None]


def run(machine: Machine) -> Value:
    """Run a pickle up to its STOP; gives the value it leaves. Raises `FormatError` where no machine could go on."""
    reader, budget = machine.reader, machine.budget
    while True:
        machine.offset = reader.offset
        code = reader.byte()
        opcode = OPCODES.get(code)
        if opcode is None:
            machine.opcode = f"byte 0x{code:02x}"
            raise machine.fault("is no opcode of any pickle protocol")
        budget.operations -= 1
        if budget.operations < 0:
            raise LimitError(f"has more than {budget.limit:,} opcodes in its pickles", where=machine.where())
        machine.opcode = opcode.name
        argument = opcode.read(reader)
        if machine.offset < machine.frame_end:
            _check_frame(machine, reader.offset)
        if opcode.name == "STOP":
            return machine.pop()
        _STEPS[opcode.name](machine, argument)


def _check_frame(machine: Machine, end: int) -> None:
    """Note an opcode that does not end where its frame does.

    CPython's unpickler throws the rest of a frame away when an argument leaves it, and reads on behind the frame: it
    then runs another program than an unpickler that reads byte after byte. An honest pickler ends frames exactly.
    """
    early = machine.opcode == "STOP" and end < machine.frame_end
    if end > machine.frame_end or early or machine.opcode == "FRAME":
        machine.note_computed("frame")


# Values


def _push(machine: Machine, argument: Value) -> None:
    if isinstance(argument, str):
        machine.budget.text -= len(argument)
        if machine.budget.text < 0:
            raise LimitError("has too many strings in its pickles", where=machine.where())
        if argument.startswith(PICKLE_TEXTS) and len(machine.suspects) < MOST_SUSPECTS:
            machine.suspects.append((machine.offset, argument))
    elif isinstance(argument, Opaque) and argument.what is NO_NUMBER:
        machine.complain(f"is {argument.what}")
    elif isinstance(argument, Raw):
        machine.note_blob(argument)
    machine.stack.append(argument)


def _pushes(value: Value) -> Step:
    def step(machine: Machine, argument: Value) -> None:
        machine.stack.append(value)

    return step


def _tuple_of(count: int) -> Step:
    def step(machine: Machine, argument: Value) -> None:
        machine.need(count)
        machine.stack[-count:] = [tuple(machine.stack[-count:])]

    return step


def _tuple(machine: Machine, argument: Value) -> None:
    machine.stack.append(tuple(machine.pop_mark()))


def _empty(kind: Literal["list", "set"]) -> Step:
    def step(machine: Machine, argument: Value) -> None:
        machine.stack.append(Items(kind, []))

    return step


def _marked(kind: Literal["list", "frozenset"]) -> Step:
    def step(machine: Machine, argument: Value) -> None:
        machine.stack.append(Items(kind, machine.pop_mark()))

    return step


def _empty_dict(machine: Machine, argument: Value) -> None:
    machine.stack.append(Pairs())


def _dict(machine: Machine, argument: Value) -> None:
    pairs = Pairs()
    pairs.flat = _even(machine, machine.pop_mark())
    machine.stack.append(pairs)


# The stack itself


def _mark(machine: Machine, argument: Value) -> None:
    machine.marks.append(len(machine.stack))


def _pop(machine: Machine, argument: Value) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _pop_mark(machine: Machine, argument: Value) -> None:
    machine.pop_mark()


def _dup(machine: Machine, argument: Value) -> None:
    machine.stack.append(machine.top())


def _put(machine: Machine, argument: Value) -> None:
    machine.remember(argument)


def _memoize(machine: Machine, argument: Value) -> None:
    machine.remember(len(machine.memo))


def _get(machine: Machine, argument: Value) -> None:
    machine.recall(argument)


# Changing what lies on the stack


def _append(machine: Machine, argument: Value) -> None:
    _extend(machine, [machine.pop()])


def _appends(machine: Machine, argument: Value) -> None:
    _extend(machine, machine.pop_mark())


def _extend(machine: Machine, items: list[Value]) -> None:
    target = machine.top()
    if isinstance(target, Items):
        target.items += items
    elif isinstance(target, Call):
        if target.items is None:
            target.items = []
        target.items += items
    else:
        _change(machine, target, "append")


def _setitem(machine: Machine, argument: Value) -> None:
    machine.need(2)
    value, key = machine.pop(), machine.pop()
    _set(machine, [key, value])


def _setitems(machine: Machine, argument: Value) -> None:
    _set(machine, _even(machine, machine.pop_mark()))


def _set(machine: Machine, flat: list[Value]) -> None:
    target = machine.top()
    if isinstance(target, Pairs):
        target.flat += flat
    elif isinstance(target, Call):
        if target.pairs is None:
            target.pairs = Pairs()
        target.pairs.flat += flat
    else:
        _change(machine, target, "set")


def _build(machine: Machine, argument: Value) -> None:
    state = machine.pop()
    target = machine.top()
    if isinstance(target, Call):
        if target.states is None:
            target.states = []
        target.states.append(state)
        if machine.on_build is not None:
            machine.on_build(machine, target)
    else:
        _change(machine, target, "build")


def _change(machine: Machine, target: Value, way: Way) -> None:
    if isinstance(target, Global):
        machine.note_change(target, way)
    elif isinstance(target, Opaque | Persistent):
        machine.note_computed("change")
    else:
        machine.complain("changes a value that cannot be changed so")


def _even(machine: Machine, items: list[Value]) -> list[Value]:
    if len(items) % 2:
        raise machine.fault("sets a key without a value")
    return items


# Importing and calling


def _global(machine: Machine, argument: Value) -> None:
    machine.stack.append(machine.note_import(*argument))


def _stack_global(machine: Machine, argument: Value) -> None:
    machine.need(2)
    name, module = machine.pop(), machine.pop()
    if isinstance(module, str) and isinstance(name, str):
        machine.stack.append(machine.note_import(str(module), str(name)))
        return
    machine.note_computed("import")
    machine.stack.append(Opaque("an import by a computed name"))


def _reduce(machine: Machine, argument: Value) -> None:
    machine.need(2)
    args, function = machine.pop(), machine.pop()
    _call(machine, Call(function, args, "call"))


def _newobj(machine: Machine, argument: Value) -> None:
    machine.need(2)
    args, cls = machine.pop(), machine.pop()
    _call(machine, Call(cls, args, "new"))


def _newobj_ex(machine: Machine, argument: Value) -> None:
    machine.need(3)
    kwargs, args, cls = machine.pop(), machine.pop(), machine.pop()
    _call(machine, Call(cls, args, "new", kwargs))


def _inst(machine: Machine, argument: Value) -> None:
    cls = machine.note_import(*argument)
    _call(machine, Call(cls, tuple(machine.pop_mark()), "call"))


def _obj(machine: Machine, argument: Value) -> None:
    items = machine.pop_mark()
    if not items:
        raise machine.fault("makes an object of no class")
    _call(machine, Call(items[0], tuple(items[1:]), "call"))


def _call(machine: Machine, call: Call) -> None:
    machine.note_call(call)
    machine.stack.append(call)


def _extension(machine: Machine, argument: Value) -> None:
    machine.note_computed(f"extension {argument}")
    machine.stack.append(Opaque(f"extension {argument}"))


# What lies outside the pickle, and what frames it


def _persid(machine: Machine, argument: Value) -> None:
    machine.refer(argument)


def _binpersid(machine: Machine, argument: Value) -> None:
    machine.refer(machine.pop())


def _next_buffer(machine: Machine, argument: Value) -> None:
    machine.stack.append(Opaque("an out-of-band buffer"))


def _readonly_buffer(machine: Machine, argument: Value) -> None:
    machine.top()


def _proto(machine: Machine, argument: Value) -> None:
    if argument > HIGHEST_PROTOCOL:
        raise FormatError(f"pickle protocol {argument}; we know 0 to {HIGHEST_PROTOCOL}", where=machine.where())
    machine.protocol = max(machine.protocol, argument)


def _frame(machine: Machine, argument: Value) -> None:
    if argument > machine.reader.left:
        machine.complain(f"of {argument:,} bytes where only {machine.reader.left:,} are left")
        return
    machine.frame_end = machine.reader.offset + argument


_PUSHED = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)

_STEPS: dict[str, Step] = {
    **dict.fromkeys(_PUSHED, _push),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _extension),
    "NONE": _pushes(None),
    "NEWTRUE": _pushes(True),
    "NEWFALSE": _pushes(False),
    "EMPTY_TUPLE": _pushes(()),
    "TUPLE": _tuple,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "EMPTY_LIST": _empty("list"),
    "EMPTY_SET": _empty("set"),
    "EMPTY_DICT": _empty_dict,
    "LIST": _marked("list"),
    "FROZENSET": _marked("frozenset"),
    "DICT": _dict,
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": _dup,
    "MEMOIZE": _memoize,
    "APPEND": _append,
    "APPENDS": _appends,
    "ADDITEMS": _appends,
    "SETITEM": _setitem,
    "SETITEMS": _setitems,
    "BUILD": _build,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _newobj,
    "NEWOBJ_EX": _newobj_ex,
    "INST": _inst,
    "OBJ": _obj,
    "PERSID": _persid,
    "BINPERSID": _binpersid,
    "NEXT_BUFFER": _next_buffer,
    "READONLY_BUFFER": _readonly_buffer,
    "PROTO": _proto,
    "FRAME": _frame,
}
