"""TensorFlow: graphs whose operators read or write files, call Python or reach the network.

A SavedModel, a MetaGraph (``.meta``) and a frozen graph hold the same nodes; so does the library of functions inside
each. Field numbers are those of TensorFlow's saved_model.proto, meta_graph.proto, graph.proto, function.proto and
attr_value.proto. Text forms (``.pbtxt``), which TensorFlow loads too, and TensorFlow Lite are searched by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from weighbridge.errors import WeighbridgeError
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges._keras import Lambda, lambdas
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.outside import leads_outside
from weighbridge.scan.protobuf import BYTES, Message
from weighbridge.scan.trees import json_of

_READS = frozenset(
    {
        "ReadFile", "MatchingFiles", "WholeFileReader", "WholeFileReaderV2", "ImmutableConst", "SqlDataset",
        "MatchingFilesDataset", "LMDBReader", "LMDBDataset",
    }
)  # fmt: skip
_WRITES = frozenset(
    {
        "WriteFile", "DatasetToTFRecord", "DatasetToTFRecordV2", "ExperimentalDatasetToTFRecord", "SaveDataset",
        "SaveDatasetV2", "DistributedSave",
    }
)  # fmt: skip
_PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
_NETWORK = frozenset(
    {
        "RpcCall", "RpcClient", "RpcServer", "RpcServerStart", "BigQueryReader", "DataServiceDataset",
        "DataServiceDatasetV2", "DataServiceDatasetV3", "DataServiceDatasetV4",
    }
)  # fmt: skip
_UNSAFE = dict.fromkeys(_READS, "reads files") | dict.fromkeys(_WRITES, "writes files")
_UNSAFE |= dict.fromkeys(_PYTHON, "calls Python") | dict.fromkeys(_NETWORK, "reaches the network")
# Operators that are harmless but for an address among their attributes.
_BY_ATTRIBUTE = {"PrintV2": "output_stream", "DebugIdentity": "debug_urls", "DebugIdentityV2": "debug_urls",
                 "DebugIdentityV3": "debug_urls", "DebugNanCount": "debug_urls",
                 "DebugNumericSummary": "debug_urls", "DebugNumericSummaryV2": "debug_urls"}  # fmt: skip
_IN_TEXT = re.compile(rb"""\bop\s*:\s*["']((?:[^"'\\\n]|\\.){1,200})["']""")
_IN_LITE = re.compile(rb"\x00Flex(" + b"|".join(sorted(name.encode() for name in _UNSAFE)) + rb")\x00")
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.\\/>-]*")
_OPERATOR = re.compile(r"[A-Z_][A-Za-z0-9_>]*")
_STEP = 1 << 22
_OVERLAP = 256
_LARGEST_METADATA = 16 << 20


class UnsafeOperator(Rule):
    """A TensorFlow graph has an operator that reaches beyond the model.

    ``ReadFile`` and ``WriteFile`` read and write any file that the process may; ``PyFunc`` calls Python; others reach
    the network. They run when the model is used, some when it is loaded, and a SavedModel hides them as well in its
    library of functions.

    What to do: do not use the model, or run it where there is nothing to read, write or reach. Feeding pictures by
    their bytes instead of by file names needs no such operator.
    """

    id = "tensorflow.unsafe-operator"
    sure = Sure.LIKELY
    hint = "Use it only where there is nothing to read, write or reach."


class WritesElsewhere(Rule):
    """A TensorFlow graph sends what passes through it to a file or an address.

    ``PrintV2`` with an ``output_stream`` of ``file://``, and the operators of the debugger with ``debug_urls``, write
    their input there whenever the model runs.

    What to do: do not use the model.
    """

    id = "tensorflow.writes-elsewhere"
    hint = "Do not use the model: running it writes to where it says."


class AssetOutside(Rule):
    """A SavedModel names an asset outside of its folder.

    Assets are vocabularies and the like, named relative to the model. A name that is absolute or climbs by ``..`` makes
    the model open another file of the machine.

    What to do: do not load it.
    """

    id = "tensorflow.asset-outside"
    hint = "Do not load it: a model's assets lie below it."


class TensorFlowJudge:
    """See the module."""

    name = "tensorflow"
    rules = (UnsafeOperator, WritesElsewhere, AssetOutside)

    def recognises(self, item: Item) -> bool:
        if item.extension in (".pb", ".pbtxt", ".meta") or item.head[4:8] == b"TFL3":
            return True
        return item.head[:1] in (b"\x08", b"\n") and _kind(item) != ""

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        if item.head[4:8] == b"TFL3":
            yield from _by_name(item, _IN_LITE, "Flex")
        elif item.extension == ".pbtxt":
            yield from _by_name(item, _IN_TEXT, "")
        elif item.basename == "keras_metadata.pb":
            yield from _keras_metadata(Message.whole(item.source), item)
        else:
            kind = _kind(item)
            if kind:
                graphs = _Graphs()
                yield from _READERS[kind](graphs, Message.whole(item.source))
                yield from graphs.operators()


def _kind(item: Item) -> str:
    """Which of the three messages the file is, by its first fields: they are text where these messages have it."""
    if item.basename == "saved_model.pb":  # the name by which TensorFlow asks for it
        return "saved"
    message = Message.whole(item.source)
    try:
        first = next(iter(message), None)
        if first is None:
            return ""
        if first.number == 1 and first.wire == 0 and first.value == 1:
            second = next((each for each in message if each.number == 2), None)
            return "saved" if second is not None and _is_meta(message.inner(second)) else ""
        if first.wire == BYTES and first.number in (1, 2) and _is_graph(message):
            return "graph"
        return "meta" if first.wire == BYTES and _is_meta(message) else ""
    except WeighbridgeError:
        return ""


def _is_graph(graph: Message) -> bool:
    """Whether the first node has a name and an operator; a graph of functions alone counts too."""
    for each in graph:
        if each.number == 1 and each.wire == BYTES:
            return _is_node(graph.inner(each))
        if each.number == 2 and each.wire == BYTES:
            library = graph.inner(each)
            first = next(iter(library), None)
            return first is not None and first.number in (1, 2) and first.wire == BYTES
    return False


def _is_node(node: Message) -> bool:
    texts = {each.number: node.text(each, 300) for each in node if each.number in (1, 2) and each.wire == BYTES}
    return bool(_NAME.fullmatch(texts.get(1, "")) and _OPERATOR.fullmatch(texts.get(2, "")))


def _is_meta(meta: Message) -> bool:
    second = next((each for each in meta if each.number == 2), None)
    return second is not None and second.wire == BYTES and (second.length == 0 or _is_graph(meta.inner(second)))


@dataclass
class _Graphs:
    """The operators of all graphs of a file that are worth a word: where each was met first, and how often."""

    met: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def saved(self, model: Message) -> Iterator[Found]:
        for each in model:
            if each.number == 2:
                yield from self.meta(model.inner(each))

    def meta(self, meta: Message) -> Iterator[Found]:
        for each in meta:
            if each.number == 2:
                yield from self.graph(meta.inner(each))
            elif each.number == 6:
                yield from _asset(meta.inner(each))

    def graph(self, graph: Message) -> Iterator[Found]:
        for each in graph:
            if each.number == 1:
                yield from self.node(graph.inner(each))
            elif each.number == 2:
                library = graph.inner(each)
                for part in library:
                    if part.number == 1:
                        yield from self.function(library.inner(part))

    def function(self, function: Message) -> Iterator[Found]:
        for each in function:
            if each.number == 3:
                yield from self.node(function.inner(each))

    def node(self, node: Message) -> Iterator[Found]:
        name = operator = ""
        for each in node:
            if each.number == 1:
                name = node.text(each, 200)
            elif each.number == 2:  # the last one counts, as everywhere in protocol buffers
                operator = node.text(each, 200)
        if operator in _BY_ATTRIBUTE:
            yield from _by_attribute(node, name, operator)
        if operator in _UNSAFE:
            first, where, count = self.met.get(operator, (name, node.start, 0))
            self.met[operator] = (first, where, count + 1)

    def operators(self) -> Iterator[Found]:
        for operator, (name, at, count) in self.met.items():
            more = f" and {count - 1:,} more" if count > 1 else ""
            yield UnsafeOperator.found(f"has {operator} at {name[:120]!r}{more}: it {_UNSAFE[operator]}", offset=at)


def _by_attribute(node: Message, name: str, operator: str) -> Iterator[Found]:
    for each in node:
        if each.number != 5:
            continue
        entry = node.inner(each)
        parts = {part.number: part for part in entry}
        if 1 in parts and 2 in parts and entry.text(parts[1]) == _BY_ATTRIBUTE[operator]:
            for value in _texts(entry.inner(parts[2])):
                if "://" in value:
                    message = f"has {operator} at {name[:120]!r} write to {value[:120]!r}"
                    yield WritesElsewhere.found(message, offset=node.start)


def _texts(value: Message) -> Iterator[str]:
    """The texts of an attribute: its own, or those of its list."""
    for each in value:
        if each.number == 2 and each.wire == BYTES:
            yield value.text(each)
        elif each.number == 1 and each.wire == BYTES:
            listed = value.inner(each)
            yield from (listed.text(part) for part in listed if part.number == 2 and part.wire == BYTES)


def _asset(asset: Message) -> Iterator[Found]:
    for each in asset:
        if each.number == 2:
            how = leads_outside(asset.text(each))
            if how:
                yield AssetOutside.found(f"names the asset {asset.text(each)[:120]!r}, which {how}", offset=each.start)


def _keras_metadata(saved: Message, item: Item) -> Iterator[Found]:
    """The JSON that Keras 2 keeps of each layer: a Lambda's is code."""
    for each in saved:
        if each.number != 1:
            continue
        node = saved.inner(each)
        for part in node:
            if part.number == 5 and part.wire == BYTES and part.length <= _LARGEST_METADATA:
                text = node.data(part, part.length)
                if b"Lambda" in text or b"\\u" in text:
                    for told in lambdas(json_of(text, item.name)):
                        yield Lambda.found(told, offset=part.start)


def _by_name(item: Item, pattern: re.Pattern[bytes], prefix: str) -> Iterator[Found]:
    """Unsafe operators named in a file that is searched as text, by windows that overlap."""
    found: dict[str, int] = {}
    for start in range(0, item.source.size, _STEP):
        window = item.source.read_at(start, min(_STEP + _OVERLAP, item.source.size - start))
        for match in pattern.finditer(window):
            name = match[1].decode("latin-1")
            if "\\" in name:
                name = _unescaped(name)
            found.setdefault(name, start + match.start(1))
    for name, at in found.items():
        if name in _UNSAFE:
            yield UnsafeOperator.found(f"has {prefix}{name}: it {_UNSAFE[name]}", offset=at)


def _unescaped(text: str) -> str:
    """A text of the text format: octal and hexadecimal escapes are what matters in names."""
    text = re.sub(r"\\x([0-9A-Fa-f]{1,2})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\([0-7]{1,3})", lambda found: chr(int(found[1], 8) & 0xFF), text)


_READERS = {"saved": _Graphs.saved, "meta": _Graphs.meta, "graph": _Graphs.graph}

TENSORFLOW = TensorFlowJudge()
