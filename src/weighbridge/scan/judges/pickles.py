"""Pickles: at the beginning of a file, one behind the other, behind junk, and spelled as text inside one another.

The machine that judges them is the reader's own (`weighbridge.formats.pickle`): it runs every opcode on descriptions
and executes nothing. Safety rests on its allowlist. What is on no list is dangerous, and said to be only suspected.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import replace

from weighbridge.errors import FormatError
from weighbridge.formats.base import PickleImport, PickleScan, Verdict
from weighbridge.formats.pickle.disguised import decoded, disguised_pickles
from weighbridge.formats.pickle.machine import COMPUTED, PICKLE_TEXTS
from weighbridge.formats.pickle.scan import Stream, describe, interpret_all
from weighbridge.formats.pickle.sniff import looks_like_pickle
from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.tensors import ByteSource, BytesSource, SliceSource

_NAMED_PICKLE = frozenset([".pkl", ".pickle", ".p", ".pck", ".pickled", ".dill", ".cloudpickle", ".cpkl", ".joblib"])
EXTENSIONS = _NAMED_PICKLE.union(
    [".pcl", ".jbl", ".sav", ".pt", ".pth", ".bin", ".ckpt", ".pt2", ".t7", ".th", ".tar", ".dat", ".data", ".model"],
    [".mdl", ".checkpoint", ".weights", ".dump", ".pkl2", ".npy", ".pdparams", ".pdopt"],
)
"""Endings of files that programs load as pickles; such files are searched for pickles behind junk too."""

_OTHERS = (b"PK\x03\x04", b"\x93NUMPY", b"GGUF", b"\x89HDF", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_OF_TORCH_TAR = ("storages", "tensors", "pickle")  # pickles with raw storages between them
_STREAMS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"x\x9c", b"x\xda", b"x\x01", b"PK\x03\x04", b"\x04\x22\x4d\x18")
_TEXTS = tuple(text.encode() for text in PICKLE_TEXTS)
_MOST_TEXT = 32 << 20
_SEARCHED = 64 << 20
_STEP = 4 << 20
_OVERLAP = 256
_MOST_CANDIDATES = 4_096
# A pickle's first opcodes behind junk: PROTO and one that real picklers write next, or an import in text.
_STARTS = re.compile(
    rb"\x80[\x02-\x05][\x95\x8c\x88-\x8ac(\]}XKUNGJM)q\x94]|[ci](?:[A-Za-z_][\w.]{0,60})\n[A-Za-z_][\w.]{0,60}\n"
    rb"|\x8c[\x01-\x40][A-Za-z_][\w.]{0,63}[\x94qr]?[^\w]{0,4}\x8c[\x01-\x40][A-Za-z_]"
)


class DangerousImport(Rule):
    """Loading the file would import or call something dangerous.

    A pickle is a program: ``pickle.load``, ``torch.load`` and ``joblib.load`` do what it says, and it can say
    ``os.system``. This one names something that runs code or commands, reads or writes files, reaches the network or
    reaches all of that by another way.

    Example: ``would call os.system('curl … | sh')``.

    What to do: do not load the file with anything. Ask its author for safetensors, which cannot carry code, or take
    the tensors out with Weighbridge, which executes nothing.
    """

    id = "pickle.dangerous-import"
    hint = "Do not load this file; ask its author for safetensors."


class UnknownImport(Rule):
    """Loading the file would import something that is on no list.

    Safety rests on a list of names that are known to be harmless, each with its reason. A name that is not on it may
    be harmless too; nobody here has looked. Attackers use names that nobody has looked at.

    Example: ``would call mypackage.loader.restore('weights')``.

    What to do: look the name up. If it is yours, or you trust whoever wrote the package, name it in a file and pass
    that with ``--allow``: one ``module:name`` a line.
    """

    id = "pickle.unknown-import"
    sure = Sure.SUSPECTED
    hint = "Look the name up; if you know it to be harmless, pass it by --allow."


class Computed(Rule):
    """The pickle works out what it imports or calls instead of naming it.

    An honest pickler writes the names of classes as plain text. A pickle that calls what another call gave back,
    imports a name that it has computed, uses numbers that only the loading program can resolve (EXT), or ends a frame
    inside an opcode hides what it does from whoever reads it.

    What to do: treat the file as hostile.
    """

    id = "pickle.computed"
    sure = Sure.LIKELY
    hint = "Treat the file as hostile: no honest pickler writes this."


class OwnClass(Rule):
    """The file holds an object of the program that saved it.

    Its class is named as one of ``__main__``: only a program that defines that class itself can load the file, and it
    then runs its own code, not the file's.

    What to do: nothing, if you have that program. Otherwise ask for the weights alone.
    """

    id = "pickle.own-class"
    severity = Severity.WARNING
    hint = "Only the program that saved it can load it; ask for the weights alone."


class Disguised(Rule):
    """A text in the pickle spells another pickle.

    Base64 or hexadecimal that decodes to a pickle with imports: a program decodes and loads it later, where a scanner
    of opcodes does not look.

    What to do: treat the file as hostile.
    """

    id = "pickle.disguised"
    sure = Sure.LIKELY
    hint = "Treat the file as hostile."


class BehindJunk(Rule):
    """A pickle with dangerous imports lies behind bytes that are no pickle.

    Programs that seek before they load, or skip what they cannot read, would load it; scanners that begin at the
    first byte never see it.

    What to do: treat the file as hostile.
    """

    id = "pickle.behind-junk"
    sure = Sure.LIKELY
    hint = "Treat the file as hostile."


class PickleJudge:
    """See the module."""

    name = "pickle"
    rules = (DangerousImport, UnknownImport, Computed, OwnClass, Disguised, BehindJunk)

    def recognises(self, item: Item) -> bool:
        return bool(item.source.size) and (
            _may_be_pickle(item) or item.extension in EXTENSIONS or item.basename in _OF_TORCH_TAR
        )

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        stop = 0
        if _may_be_pickle(item):
            stream = interpret_all(item.source)
            yield from judge_stream(stream, item)
            stop = _understood(stream)
            stop = yield from _legacy(item, stream, stop)
        if (item.extension in EXTENSIONS or item.basename in _OF_TORCH_TAR) and not _is_other(item.head):
            yield from _behind(item, stop)
        if stop and item.extension in _NAMED_PICKLE:
            _raise_broken(stream)


def judge_stream(stream: Stream, item: Item, start: int = 0) -> Iterator[Found | Inside]:
    """Everything to be said of pickles that were run; bytes in them that may be a pickle themselves are handed back."""
    source = SliceSource(item.source, start, item.source.size - start) if start else item.source
    for pickle in stream.pickles:
        yield from judge_scan(describe(pickle, source), item, start)
    yield from _otherwise(stream, source, item, start)
    for anomaly in disguised_pickles(stream.pickles):
        yield Disguised.found(anomaly.message)
    seen: set[int] = set()
    for pickle in stream.pickles + stream.otherwise:
        for blob in pickle.blobs:
            if blob.offset not in seen:
                seen.add(blob.offset)
                yield from _opened(item, start + blob.offset, blob.length)


def _otherwise(stream: Stream, source: ByteSource, item: Item, start: int) -> Iterator[Found]:
    """What pickle itself would import of a file that is joblib's: it takes arrays for opcodes, so only names count."""
    known = {(found.module, found.name) for pickle in stream.pickles for found in pickle.imports}
    for pickle in stream.otherwise:
        scan = describe(pickle, source)
        new = tuple(each for each in scan.imports if (each.module, each.name) not in known and each.module != COMPUTED)
        yield from judge_scan(replace(scan, imports=new, broken=scan.broken or "otherwise"), item, start)


def _opened(item: Item, offset: int, length: int) -> Iterator[Inside]:
    """Bytes or a long text inside a pickle, where they begin like a pickle or a compressed stream."""
    beginning = item.source.read_at(offset, 4)
    if beginning.startswith(_STREAMS) or (beginning[0] == 0x80 and 2 <= beginning[1] <= 5):
        yield item.slice(f"bytes at {offset:,}", offset, length)
    elif beginning.startswith(_TEXTS) and length <= _MOST_TEXT:
        data = decoded(item.source.read_at(offset, length).decode("latin-1"))
        if data:
            yield item.inside(f"text at {offset:,}", BytesSource(data, item.source.name))


def judge_scan(scan: PickleScan, item: Item, start: int = 0) -> Iterator[Found]:
    """Everything to be said of one pickle: a finding for each import that is not known to be harmless."""
    for each in scan.imports:
        if (
            each.verdict is Verdict.ALLOWED
            or not _plausible(each, scan.broken)
            or f"{each.module}:{each.name}" in item.allowed
        ):
            continue
        if each.module.partition(".")[0] == "__torch__" and item.member:
            continue  # TorchScript's own unpickler makes it, of code in the same archive, which is judged as code
        yield _finding(each, start)


def _finding(each: PickleImport, start: int) -> Found:
    rule = _rule(each)
    verb = "call" if each.called else "import"
    arguments = _call(each.arguments) if each.called else ""
    message = f"would {verb} {each.qualified}{arguments}: {each.reason}"
    return rule.found(message, offset=start + each.offset, opcode=each.opcode)


def _rule(each: PickleImport) -> type[Rule]:
    if each.module == COMPUTED:
        return Computed
    if each.verdict is Verdict.DANGEROUS:
        return DangerousImport
    own = each.module in ("__main__", "__mp_main__") and each.name.isidentifier() and each.name[:1].isupper()
    return OwnClass if own and each.made else UnknownImport


def _call(arguments: str) -> str:
    if not arguments.startswith("("):
        return f"({arguments})"
    return f"{arguments[:-2]})" if arguments.endswith(",)") else arguments


def _plausible(each: PickleImport, broken: str) -> bool:
    """Whether a module could have this name: bytes that are no pickle are run up to where they break."""
    if each.module == COMPUTED:
        return not broken
    if broken and each.opcode == "INST" and each.verdict is Verdict.UNKNOWN:
        return False  # a list of names whose first one begins with an i
    names = [*each.module.split("."), *each.name.split(".")]
    return not broken or all(name.isidentifier() for name in names)


def _may_be_pickle(item: Item) -> bool:
    return not _is_other(item.head) and looks_like_pickle(item.source)


def _is_other(head: bytes) -> bool:
    """Whether this is a format that other judges read as a whole."""
    return head.startswith(_OTHERS) or head[257:262] == b"ustar"


def _understood(stream: Stream) -> int:
    last = stream.pickles[-1]
    return max(last.start + 1, stream.stop)


def _legacy(item: Item, stream: Stream, stop: int) -> Generator[Found, None, int]:
    """PyTorch's old format: storages follow the fifth pickle, raw. Gives where they end."""
    from weighbridge.formats.torch_legacy import MAGIC, LegacyFile

    if stream.pickles[0].value != MAGIC:
        return stop
    file = LegacyFile(item.source)
    try:
        file.contents()
    except FormatError:
        return stop
    for scan in (*file.scans(), *file.after_storages()):
        yield from judge_scan(scan, item)
    return file.end


def _raise_broken(stream: Stream) -> None:
    """A file that calls itself a pickle and is none up to its end: nobody can tell what a loader would make of it."""
    if stream.pickles[0].broken:
        raise stream.pickles[0].broken


def _behind(item: Item, start: int) -> Iterator[Found]:
    """Pickles that begin somewhere behind `start` and import something known to be dangerous."""
    left = _MOST_CANDIDATES
    reported = 0
    end = min(item.source.size, start + _SEARCHED)
    for at in range(start, end, _STEP):
        window = item.source.read_at(at, min(_STEP + _OVERLAP, end - at))
        for match in _STARTS.finditer(window):
            left -= 1
            if left < 0 or reported >= 10:
                return
            offset = at + match.start()
            for found in _tried(item, offset):
                reported += 1
                yield found


def _tried(item: Item, offset: int) -> Iterator[Found]:
    source = SliceSource(item.source, offset, min(item.source.size - offset, 8 << 20))
    stream = interpret_all(source)
    for scan in stream.describe(source):
        for each in scan.imports:
            if each.verdict is Verdict.DANGEROUS and each.module != COMPUTED and _plausible(each, "?"):
                message = f"a pickle that begins here would {'call' if each.called else 'import'} {each.qualified}"
                yield BehindJunk.found(f"{message}: {each.reason}", offset=offset, opcode=each.opcode)


PICKLES = PickleJudge()
