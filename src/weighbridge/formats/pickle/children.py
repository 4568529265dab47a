"""What lies inside a container, and under which key."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from weighbridge.formats.base import Json
from weighbridge.formats.pickle.render import brief, shorten
from weighbridge.formats.pickle.values import Call, Items, Pairs, Value

Child = tuple[str | None, Value]
"""A key and a value; the key is None where the value's own children belong to the container."""

_LONGEST_KEY = 1_000
_LONGEST_ROW = 16

# Dictionaries of a module whose entries state_dict names without naming the dictionary.
_OF_A_MODULE = ("_parameters", "_buffers", "_modules")
_CONTAINERS = frozenset(
    f"{module}.{name}"
    for module in ("collections", "builtins", "__builtin__")
    for name in ["OrderedDict", "defaultdict", "dict", "Counter", "list", "tuple", "set", "frozenset", "deque"]
)
_KEYED = frozenset({"OrderedDict", "defaultdict", "dict", "Counter"})
_LOOKED_AT = 64  # keys of an object's state, to see whether it is a module


def children(value: Value) -> Iterator[Child]:
    """The direct children of a container, lazily."""
    if isinstance(value, Pairs):
        return _pairs(value)
    if isinstance(value, Items):
        return _numbered(value.items)
    if isinstance(value, tuple):
        return _numbered(value)
    if isinstance(value, Call):
        return _of_call(value)
    return iter(())


def _pairs(pairs: Pairs) -> Iterator[Child]:
    return ((_key(key), value) for key, value in pairs)


def _numbered(items: list[Value] | tuple[Value, ...]) -> Iterator[Child]:
    return ((str(position), item) for position, item in enumerate(items))


def _of_call(call: Call) -> Iterator[Child]:
    """What was given to make an object, appended to it, set in it, and set as its state."""
    if call.qualified in _CONTAINERS:
        parts = [_of_arguments(call.arguments, call.function.name in _KEYED), _numbered(call.items or [])]
        return chain(*parts, _pairs(call.pairs) if call.pairs else ())
    arguments = _numbered(call.arguments)
    states = chain.from_iterable(_of_state(state) for state in call.states or [])
    return chain(arguments, _numbered(call.items or []), _pairs(call.pairs) if call.pairs else (), states)


def _of_arguments(arguments: tuple[Value, ...], keyed: bool) -> Iterator[Child]:
    """The entries that a container of Python's own is made from: a dictionary, pairs of key and value, or items."""
    for argument in arguments:
        if keyed and isinstance(argument, Items):
            yield from (_entry(str(place), item) for place, item in enumerate(argument.items))
        elif isinstance(argument, Items | Pairs | tuple):
            yield from children(argument)
        elif isinstance(argument, Call):
            yield None, argument


def _entry(place: str, item: Value) -> Child:
    inside = item.items if isinstance(item, Items) else item
    if isinstance(inside, tuple | list) and len(inside) == 2:
        return _key(inside[0]), inside[1]
    return place, item


def _of_state(state: Value) -> Iterator[Child]:
    """The attributes that BUILD sets: a dictionary, or a pair of one for __dict__ and one for __slots__."""
    if isinstance(state, tuple) and len(state) == 2 and all(part is None or isinstance(part, Pairs) for part in state):
        return chain.from_iterable(_of_state(part) for part in state if part is not None)
    if not isinstance(state, Pairs):
        return iter((("state", state),))
    is_module = any(isinstance(key, str) and key in _OF_A_MODULE for key, _ in state.first(_LOOKED_AT))
    return _of_module(state) if is_module else _pairs(state)


def _of_module(state: Pairs) -> Iterator[Child]:
    for key, value in state:
        if isinstance(key, str) and key in _OF_A_MODULE:
            yield None, value
        elif not (isinstance(key, str) and (key.startswith("_") or key == "training")):
            yield _key(key), value


def _key(key: Value) -> str:
    if isinstance(key, str):
        return str(key) if len(key) <= _LONGEST_KEY else shorten(key, _LONGEST_KEY)
    return brief(key, 60)


def plain_row(value: Value) -> Json:
    """A short list of numbers and texts as one value: ``betas: [0.9, 0.999]``. None where it holds more than that."""
    if isinstance(value, Call) and value.qualified == "torch.Size" and len(value.arguments) == 1:
        value = value.arguments[0]
    elif isinstance(value, Call) and value.qualified == "torch.device":
        return brief(value, 60)
    items = value.items if isinstance(value, Items) and value.kind == "list" else value
    if not isinstance(items, tuple | list) or not 0 < len(items) <= _LONGEST_ROW:
        return None
    if not all(_is_small(item) for item in items):
        return None
    return [str(item) if isinstance(item, str) else item for item in items]


def _is_small(item: Value) -> bool:
    if isinstance(item, str):
        return len(item) <= 100
    if isinstance(item, bool | float):
        return True
    return isinstance(item, int) and item.bit_length() <= 64
