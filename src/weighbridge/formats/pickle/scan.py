"""One pickle after another: what each leaves, and what each would import and call."""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.errors import FormatError
from weighbridge.formats.base import PickleScan, Verdict
from weighbridge.formats.pickle.judge import judge
from weighbridge.formats.pickle.machine import Budget, Import, Machine
from weighbridge.formats.pickle.reader import Reader
from weighbridge.formats.pickle.steps import run
from weighbridge.formats.pickle.values import Persistent, Raw, Value
from weighbridge.tensors import ByteSource, SliceSource

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
    broken: FormatError | None


@dataclass(frozen=True, slots=True)
class Stream:
    """The pickles that follow one another in a file. What lies beyond `stop` is not a pickle."""

    pickles: tuple[Pickle, ...]
    stop: int


def interpret(source: ByteSource, start: int = 0, budget: Budget | None = None) -> Pickle:
    """Run the pickle at `start` symbolically. A broken pickle is a result, not an error: see `Pickle.broken`."""
    machine = Machine(Reader(source, start), budget or Budget())
    value, broken = None, None
    try:
        value = run(machine)
    except FormatError as error:
        error.at(machine.where())
        broken = error
    if broken is None and machine.complaint:
        broken = FormatError(machine.complaint, where=source.name)
    imports = (*machine.imports.values(), *machine.notes)
    return Pickle(start, machine.reader.offset, machine.protocol, value, imports, tuple(machine.outside), broken)


def interpret_all(source: ByteSource, start: int = 0, budget: Budget | None = None) -> Stream:
    """Run the pickle at `start` and every one that follows it directly.

    Bytes after a whole pickle are one more pickle where they can be run to a STOP, or where they import something
    before they break; otherwise they are no pickle, and `Stream.stop` says where they begin.
    """
    budget = budget or Budget()
    pickles: list[Pickle] = []
    stop = start
    while stop < source.size or not pickles:
        pickle = interpret(source, stop, budget)
        if pickles and pickle.broken and not _imports_something(pickle):
            break
        pickles.append(pickle)
        stop = pickle.stop
        if pickle.broken:
            break
    return Stream(tuple(pickles), stop)


def _imports_something(pickle: Pickle) -> bool:
    """Whether it imports a name that a module could have: random bytes now and then look like an import."""
    return any(all(part.isidentifier() for part in found.module.split(".")) for found in pickle.imports)


def describe(pickle: Pickle, source: ByteSource, member: str = "", depth: int = 0) -> PickleScan:
    """What loading this pickle would do."""

    def nested(data: Raw) -> Verdict:
        return _judge_nested(source, data, depth + 1)

    imports = tuple(judge(found, nested) for found in pickle.imports)
    broken = pickle.broken.message if pickle.broken else ""
    return PickleScan(member, pickle.start, pickle.stop - pickle.start, pickle.protocol, imports, broken)


def scan_pickles(source: ByteSource, member: str = "", start: int = 0) -> tuple[PickleScan, ...]:
    """What loading the pickles at `start` of a source would do, without doing it.

    Never raises for what the pickles hold: one that breaks off is described up to there, with `PickleScan.broken`.
    """
    return tuple(describe(pickle, source, member) for pickle in interpret_all(source, start).pickles)


def worst(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The verdict on the whole of what these are verdicts on the parts of."""
    for verdict in (Verdict.DANGEROUS, Verdict.UNKNOWN):
        if verdict in verdicts:
            return verdict
    return Verdict.ALLOWED


def _judge_nested(source: ByteSource, data: Raw, depth: int) -> Verdict:
    """The verdict on a legacy PyTorch file inside the pickle: pickles, then storages. Anything else is unknown."""
    if depth > _MOST_NESTED:
        return Verdict.UNKNOWN
    inside = SliceSource(source, data.offset, data.length)
    pickles = interpret_all(inside).pickles
    return worst(tuple(describe(pickle, inside, depth=depth).verdict for pickle in pickles))
