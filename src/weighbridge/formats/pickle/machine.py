"""The stack machine: a stack, marks on it, a memo, and notes on everything that the pickle imports."""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.errors import FormatError, LimitError
from weighbridge.formats.pickle.reader import Reader
from weighbridge.formats.pickle.values import Call, Global, Persistent, Raw, Value, Way

MAX_OPERATIONS = 2_500_000
"""Opcodes that one file's pickles may have together: about 300 MB of values at worst."""

MAX_TEXT = 128 << 20
"""Bytes of short strings that are kept in memory; long ones stay in the file."""

MAX_IMPORTS = 10_000
MAX_NOTES = 100  # the first hundred say enough

PICKLE_TEXTS = (*(f"gA{letter}" for letter in "IJKLMNOPQRSTUVWX"), *(f"80{protocol:02}" for protocol in range(2, 6)))
"""How base64 and hexadecimal texts begin that spell a pickle of protocol 2 or later."""
MOST_SUSPECTS = 100
MOST_BLOBS = 10_000
_SHORTEST_BLOB = 8

COMPUTED = "(computed)"
"""Stands for a module where the pickle works out what it imports or calls instead of naming it."""


class Budget:
    """What reading one file may still cost; shared by all of its pickles."""

    def __init__(self, operations: int = MAX_OPERATIONS) -> None:
        self.limit = operations
        self.operations = operations
        self.text = MAX_TEXT


class Import:
    """One name that the pickle imports, from where first, and what it does with it."""

    __slots__ = ("calls", "changed", "module", "name", "offset", "opcode")

    def __init__(self, module: str, name: str, opcode: str, offset: int) -> None:
        self.module = module
        self.name = name
        self.opcode = opcode
        self.offset = offset
        self.calls: list[Call] = []
        self.changed: Way | None = None


Suspect = tuple[int, str]
"""A text that may be a pickle in disguise, and the offset of its opcode."""

OnBuild = Callable[["Machine", Call], None]
"""Called with every object that a BUILD completes."""


class Machine:
    """The state that steps change. Every way to fail raises `FormatError`; what was noted before stays noted."""

    def __init__(self, reader: Reader, budget: Budget, on_build: OnBuild | None = None) -> None:
        self.reader = reader
        self.on_build = on_build
        self.budget = budget
        self.stack: list[Value] = []
        self.marks: list[int] = []
        self.memo: dict[int | str, Value] = {}
        self.protocol = 0
        self.imports: dict[tuple[str, str], Import] = {}
        self.notes: list[Import] = []
        self.outside: list[Persistent] = []
        self.suspects: list[Suspect] = []
        self.blobs: list[Raw] = []
        self.complaint = ""
        self.opcode = ""
        self.offset = 0
        self.frame_end = 0

    # The stack. Below the last mark nothing may be touched: the real machine fails there, and so do we.

    @property
    def fence(self) -> int:
        return self.marks[-1] if self.marks else 0

    def need(self, count: int) -> None:
        if len(self.stack) - self.fence < count:
            raise self.fault("takes more from the stack than there is")

    def pop(self) -> Value:
        self.need(1)
        return self.stack.pop()

    def top(self) -> Value:
        self.need(1)
        return self.stack[-1]

    def pop_mark(self) -> list[Value]:
        if not self.marks:
            raise self.fault("needs a mark where none was set")
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    # The memo. Very large indices become text: Python does not let a file choose the hash of a text.

    def remember(self, index: int) -> None:
        self.memo[index if index < 1 << 32 else str(index)] = self.top()

    def recall(self, index: int) -> None:
        key = index if index < 1 << 32 else str(index)
        if key not in self.memo:
            raise self.fault(f"asks the memo for {index}, which was never put there")
        self.stack.append(self.memo[key])

    # Notes on what the pickle would do.

    def note_import(self, module: str, name: str) -> Global:
        key = (module, name)
        if key not in self.imports:
            if len(self.imports) >= MAX_IMPORTS:
                raise LimitError(f"more than {MAX_IMPORTS:,} different imports", where=self.where())
            self.imports[key] = Import(module, name, self.opcode, self.offset)
        return Global(module, name)

    def note_call(self, call: Call) -> None:
        if isinstance(call.function, Global):
            self.imports[call.function.module, call.function.name].calls.append(call)
            return
        named = _attribute_of_name(call.function)
        if named is not None:
            self.note_import(*named)
            self.imports[named].calls.append(call)
            return
        self.note_computed("call", call)

    def note_change(self, target: Global, way: Way) -> None:
        self.imports[target.module, target.name].changed = way

    def note_computed(self, what: str, call: Call | None = None) -> None:
        """An import, a call or a change of something that no name tells."""
        if len(self.notes) < MAX_NOTES:
            note = Import(COMPUTED, what, self.opcode, self.offset)
            if call is not None:
                note.calls.append(call)
            self.notes.append(note)

    def note_blob(self, blob: Raw) -> None:
        """Bytes, or a long text: they may be a pickle or an archive themselves, for a program that opens them later."""
        if blob.length >= _SHORTEST_BLOB and len(self.blobs) < MOST_BLOBS:
            self.blobs.append(blob)

    def refer(self, id: Value) -> None:  # noqa: A002
        """Push an object that lies outside the pickle.

        Legacy PyTorch files name the class of a module so, with its source code beside it: that is the class itself.
        """
        if isinstance(id, tuple) and len(id) == 4 and id[0] == "module" and isinstance(id[1], Global):
            self.stack.append(id[1])
            return
        reference = Persistent(id)
        self.outside.append(reference)
        self.stack.append(reference)

    def complain(self, what: str) -> None:
        """Remember what a real unpickler would fail on, and go on: a more lenient one may not."""
        self.complaint = self.complaint or f"{self.opcode} at offset {self.offset:,} {what}"

    def fault(self, what: str) -> FormatError:
        return FormatError(f"{self.opcode} {what}", where=self.where())

    def where(self) -> str:
        return f"{self.reader.source.name} offset {self.offset:,}"


def _attribute_of_name(function: Value) -> tuple[str, str] | None:
    """What ``getattr(module.Class, "name")`` is: as good as a dotted import, and judged as one.

    So is what dill gives for the name of a type of Python.
    """
    if not isinstance(function, Call):
        return None
    if function.qualified == "dill._dill._load_type" and len(function.arguments) == 1:
        name = function.arguments[0]
        return ("builtins", str(name)) if isinstance(name, str) else None
    if function.qualified not in ("builtins.getattr", "__builtin__.getattr"):
        return None
    target, name = function.arguments if len(function.arguments) == 2 else (None, None)
    if isinstance(target, Global) and isinstance(name, str):
        return target.module, f"{target.name}.{name}"
    return None
