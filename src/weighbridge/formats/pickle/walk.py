"""The tensors inside the object that a pickle leaves, each under the path that leads to it.

Paths join the keys on the way with dots: ``state_dict.layer.weight``, ``optimizer.state.0.exp_avg``. Of an object the
attributes are the keys, of a list the positions; a module of torch.nn has the names that its own ``state_dict`` would
give. The walk keeps a stack of its own, so that nesting cannot exhaust Python's, and counts its steps, so that shared
references cannot multiply them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from weighbridge.errors import LimitError, UnsupportedError
from weighbridge.formats._shape import check_tensor_count
from weighbridge.formats.base import Anomaly, Json
from weighbridge.formats.pickle.children import Child, children, plain_row
from weighbridge.formats.pickle.found import Absent, Found, Parts, Surroundings
from weighbridge.formats.pickle.numpy_objects import scalar_in
from weighbridge.formats.pickle.render import brief, shorten
from weighbridge.formats.pickle.torch_objects import storage_alone, tensors_in
from weighbridge.formats.pickle.values import Call, Global, Items, Pairs, Persistent, Raw, Value

_MOST_DEPTH = 200
_MOST_REPEATS = 100_000  # steps into containers that were walked before, under another path
_MOST_METADATA = 1_000
_LONGEST_NAME = 4_096
_LONGEST_VALUE = 200
_ALONE = "tensor"  # the name of a tensor that is the whole file

Path = tuple["Path | None", str]


@dataclass(slots=True)
class Contents:
    """What a pickle holds: tensors and small values by their paths."""

    tensors: dict[str, Found] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)
    anomalies: list[Anomaly] = field(default_factory=list)


def contents_of(values: Iterable[Value], around: Surroundings) -> Contents:
    """Everything in the objects that pickles leave; of several, each under its number.

    Raises `FormatError` for a tensor that cannot be what it says.
    """
    walk = _Walk(around)
    several = tuple(values)
    for number, value in enumerate(several):
        walk.run(value, (None, str(number)) if len(several) > 1 else None)
    return walk.contents


@dataclass(slots=True)
class _Frame:
    """A container on the way: its children still to see, and the path that leads to them."""

    node: int
    path: Path | None
    left: Iterator[Child]
    repeated: bool


class _Walk:
    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.contents = Contents()
        self._parts: dict[int, Parts | None] = {}
        self._seen: set[int] = set()
        self._active: set[int] = set()
        self._repeats = _MOST_REPEATS
        self._stack: list[_Frame] = []

    def run(self, value: Value, path: Path | None) -> None:
        self._visit(value, path)
        while self._stack:
            frame = self._stack[-1]
            child = next(frame.left, None)
            if child is None:
                self._stack.pop()
                self._active.discard(frame.node)
                continue
            if frame.repeated and not self._may_repeat():
                self._stack.pop()
                self._active.discard(frame.node)
                continue
            key, inside = child
            self._visit(inside, frame.path if key is None else (frame.path, key))

    def _visit(self, value: Value, path: Path | None) -> None:
        if isinstance(value, Call | Persistent) and self._tensor(value, path):
            return
        if isinstance(value, Call) and path is not None and (number := scalar_in(value, self.around)) is not None:
            self._note(path, number)
        elif isinstance(value, tuple | Items | Pairs | Call):
            row = plain_row(value)
            if row is None:
                self._enter(value, path)
            elif path is not None:
                self._note(path, row)
        elif path is not None:
            self._leaf(value, path)

    def _enter(self, value: Value, path: Path | None) -> None:
        node = id(value)
        if node in self._active:
            return  # an object that holds itself
        if len(self._stack) >= _MOST_DEPTH:
            raise LimitError(f"objects nested more than {_MOST_DEPTH} deep", where=self.around.source.name)
        self._active.add(node)
        self._stack.append(_Frame(node, path, children(value), node in self._seen))
        self._seen.add(node)

    def _may_repeat(self) -> bool:
        """Whether there are steps left for containers that were met before; says so once when there are none."""
        self._repeats -= 1
        if self._repeats == -1:
            message = "containers that are shared very many times are listed under their first paths only"
            self.contents.anomalies.append(Anomaly("pickle.shared-containers", message))
        return self._repeats >= 0

    def _tensor(self, value: Call | Persistent, path: Path | None) -> bool:
        """Whether the value was a tensor, or some; notes them under their names."""
        if id(value) not in self._parts:
            self._parts[id(value)] = self._rebuilt(value)
        parts = self._parts[id(value)]
        if parts is None:
            return False
        for suffix, found in parts:
            place: Path | None = (path, suffix) if suffix else path
            if isinstance(found, Absent):
                self._note(place or (None, _ALONE), found.what)
            else:
                self._add(place or (None, _ALONE), found)
        return True

    def _rebuilt(self, value: Call | Persistent) -> Parts | None:
        try:
            return (
                storage_alone(value, self.around) if isinstance(value, Persistent) else tensors_in(value, self.around)
            )
        except UnsupportedError as error:
            return [("", Absent(f"not read: {error.message}"))]

    def _add(self, path: Path, found: Found) -> None:
        name = self._name(path)
        if name in self.contents.tensors:
            name = self._another(name)
        self.contents.tensors[name] = found
        check_tensor_count(len(self.contents.tensors), self.around.source.name)

    def _another(self, name: str) -> str:
        """A free name where two paths read alike: ``a.b`` is a key, and also the key ``b`` in ``a``."""
        number = 2
        while f"{name}#{number}" in self.contents.tensors:
            number += 1
            if number > 100:
                raise LimitError("very many tensors of one name", where=f"{self.around.source.name} {name[:120]!r}")
        message = "two tensors have this path; the second is listed with a number"
        self.contents.anomalies.append(Anomaly("pickle.same-path", message, shorten(name, 120), severe=False))
        return f"{name}#{number}"

    def _leaf(self, value: Value, path: Path) -> None:
        if value is None:
            return
        if isinstance(value, str):
            self._note(path, shorten(value, _LONGEST_VALUE))
        elif isinstance(value, bool | float) or (isinstance(value, int) and value.bit_length() <= 64):
            self._note(path, value)
        elif isinstance(value, int | Global | Raw):
            self._note(path, brief(value, _LONGEST_VALUE))

    def _note(self, path: Path, value: Json) -> None:
        if len(self.contents.metadata) < _MOST_METADATA and not _is_private(path):
            self.contents.metadata.setdefault(self._name(path), value)

    def _name(self, path: Path) -> str:
        keys = []
        at: Path | None = path
        while at is not None:
            at, key = at
            keys.append(key)
        name = ".".join(reversed(keys))
        if len(name) > _LONGEST_NAME:
            raise LimitError(f"a path of {len(name):,} characters", where=self.around.source.name)
        return name


def _is_private(path: Path) -> bool:
    """Whether an underscore on the way marks what the author of a class keeps for itself."""
    at: Path | None = path
    while at is not None:
        at, key = at
        if key.startswith("_"):
            return True
    return False
