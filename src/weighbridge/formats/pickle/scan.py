"""One pickle after another: what each leaves, and what each would import and call."""

from __future__ import annotations

from dataclasses import dataclass, replace

from weighbridge.errors import FormatError
from weighbridge.formats.base import PickleScan, Verdict
from weighbridge.formats.pickle.joblib_arrays import WRAPPER, read_wrapped
from weighbridge.formats.pickle.judge import judge
from weighbridge.formats.pickle.machine import Budget, Import, Machine, OnBuild, Suspect
from weighbridge.formats.pickle.reader import Reader
from weighbridge.formats.pickle.steps import run
from weighbridge.formats.pickle.values import Call, Persistent, Raw, Value
from weighbridge.tensors import ByteSource, BytesSource, SliceSource

_LONGEST_TEXT = 64 << 20
_MOST_NESTED = 3  # pickles in bytes in pickles: honest tensors are one level down


@dataclass(frozen=True, slots=True)
class Pickle:
    """One pickle, run symbolically: the value it leaves, and everything it imports on the way.

    `broken` is why a real unpickler would have stopped early; `value` is then of no use, `imports` still are.
    """

    start: int
    stop: int
    protocol: int
    value: Value
    imports: tuple[Import, ...]
    outside: tuple[Persistent, ...]
    suspects: tuple[Suspect, ...]
    blobs: tuple[Raw, ...]
    broken: FormatError | None


@dataclass(frozen=True, slots=True)
class Stream:
    """The pickles that follow one another in a file. What lies beyond `stop` is not a pickle."""

    pickles: tuple[Pickle, ...]
    stop: int
    otherwise: tuple[Pickle, ...] = ()

    def describe(self, source: ByteSource, member: str = "", depth: int = 0) -> tuple[PickleScan, ...]:
        """What loading each would do, in every way in which it may be loaded."""
        return tuple(describe(pickle, source, member, depth) for pickle in self.pickles + self.otherwise)


def interpret(
    source: ByteSource, start: int = 0, budget: Budget | None = None, on_build: OnBuild | None = None
) -> Pickle:
    """Run the pickle at `start` symbolically. A broken pickle is a result, not an error: see `Pickle.broken`."""
    machine = Machine(Reader(source, start), budget or Budget(), on_build)
    value, broken = None, None
    try:
        value = run(machine)
    except FormatError as error:
        error.at(machine.where())
        broken = error
    if broken is None and machine.complaint:
        broken = FormatError(machine.complaint, where=source.name)
    return Pickle(
        start=start,
        stop=machine.reader.offset,
        protocol=machine.protocol,
        value=value,
        imports=(*machine.imports.values(), *machine.notes),
        outside=tuple(machine.outside),
        suspects=tuple(machine.suspects),
        blobs=tuple(machine.blobs),
        broken=broken,
    )


def interpret_all(source: ByteSource, start: int = 0, budget: Budget | None = None) -> Stream:
    """Run the pickle at `start` and every one that follows it directly.

    Bytes after a whole pickle are one more pickle where they can be run to a STOP, or where they import something
    before they break; otherwise they are no pickle, and `Stream.stop` says where they begin. Where joblib's arrays
    lie in the pickles, they are stepped over as joblib does; `Stream.otherwise` is then what pickle itself would do.
    """
    plain = _run_all(source, start, budget or Budget(), None)
    if not any(_wraps_arrays(pickle) for pickle in plain.pickles):
        return plain
    stepping = _run_all(source, start, budget or Budget(), read_wrapped)
    otherwise = tuple(pickle for pickle in plain.pickles if _imports_more(pickle, stepping.pickles))
    return replace(stepping, otherwise=otherwise)


def _run_all(source: ByteSource, start: int, budget: Budget, on_build: OnBuild | None) -> Stream:
    pickles: list[Pickle] = []
    stop = start
    while stop < source.size or not pickles:
        pickle = interpret(source, stop, budget, on_build)
        if pickles and pickle.broken and not _imports_something(pickle):
            break
        pickles.append(pickle)
        stop = pickle.stop
        if pickle.broken:
            break
    return Stream(tuple(pickles), stop)


def _wraps_arrays(pickle: Pickle) -> bool:
    return any(f"{found.module}.{found.name}" == WRAPPER for found in pickle.imports)


def _imports_more(pickle: Pickle, others: tuple[Pickle, ...]) -> bool:
    """Whether it imports a name that none of the others does, and that a module could have."""
    known = {(found.module, found.name) for other in others for found in other.imports}
    return any((found.module, found.name) not in known and _is_plausible(found.module) for found in pickle.imports)


def _imports_something(pickle: Pickle) -> bool:
    """Whether it imports a name that a module could have: random bytes now and then look like an import."""
    return any(_is_plausible(found.module) for found in pickle.imports)


def _is_plausible(module: str) -> bool:
    return all(part.isidentifier() for part in module.split("."))


def describe(pickle: Pickle, source: ByteSource, member: str = "", depth: int = 0) -> PickleScan:
    """What loading this pickle would do."""

    def nested(data: Raw | Call) -> Verdict:
        return _judge_nested(source, data, depth + 1)

    imports = tuple(judge(found, nested) for found in pickle.imports)
    broken = pickle.broken.message if pickle.broken else ""
    return PickleScan(member, pickle.start, pickle.stop - pickle.start, pickle.protocol, imports, broken)


def scan_pickles(source: ByteSource, member: str = "", start: int = 0) -> tuple[PickleScan, ...]:
    """What loading the pickles at `start` of a source would do, without doing it.

    Never raises for what the pickles hold: one that breaks off is described up to there, with `PickleScan.broken`.
    """
    return interpret_all(source, start).describe(source, member)


def worst(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The verdict on the whole of what these are verdicts on the parts of."""
    for verdict in (Verdict.DANGEROUS, Verdict.UNKNOWN):
        if verdict in verdicts:
            return verdict
    return Verdict.ALLOWED


def _judge_nested(source: ByteSource, data: Raw | Call, depth: int) -> Verdict:
    """The verdict on a legacy PyTorch file inside the pickle: pickles, then storages. Anything else is unknown."""
    if depth > _MOST_NESTED:
        return Verdict.UNKNOWN
    if isinstance(data, Call):
        text = _encoded(source, data.arguments[0])
        if text is None:
            return Verdict.UNKNOWN
        inside: ByteSource = BytesSource(text, source.name)
    else:
        inside = SliceSource(source, data.offset, data.length)
    return worst(tuple(scan.verdict for scan in interpret_all(inside).describe(inside, depth=depth)))


def _encoded(source: ByteSource, text: Value) -> bytes | None:
    """The bytes that protocols before 3 write as a text of latin-1."""
    try:
        if isinstance(text, Raw):
            if text.length > _LONGEST_TEXT:
                return None
            data = source.read_at(text.offset, text.length)
            codec = "raw-unicode-escape" if text.encoding == "raw-unicode-escape" else "utf-8"
            return data.decode(codec).encode("latin-1")
        return str(text).encode("latin-1")
    except UnicodeError:
        return None
