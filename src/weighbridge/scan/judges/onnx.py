"""ONNX: files outside that a model's tensors name, and operators that are code from elsewhere.

Field numbers are those of onnx.proto (github.com/onnx/onnx). The graph, its subgraphs, its functions and its training
graphs are read; weights are stepped over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from weighbridge.errors import FormatError, WeighbridgeError
from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.outside import leads_outside
from weighbridge.scan.protobuf import BYTES, VARINT, Message

_EXTERNAL = 1
_MODEL_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})
_MOST_TOP_FIELDS = 4096
_PYTHON = frozenset({"PyOp", "PythonOp", "PythonOpGrad", "PyCustomOp", "PyCustomOpDef"})
# Operators of the standard and of the runtimes that are built with it: they come with the program, not with the model.
_KNOWN_DOMAINS = frozenset(
    {
        "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training",
        "com.microsoft", "com.microsoft.nchwc", "com.microsoft.dml", "com.microsoft.mlfeaturizers",
        "com.microsoft.experimental", "com.microsoft.extensions", "com.ms.internal.nhwc", "ai.onnx.contrib",
        "org.pytorch.aten", "trt.plugins", "pkg.onnxscript.torch_lib", "pkg.onnxscript.torch_lib.common",
    }
)  # fmt: skip


class ExternalOutside(Rule):
    """A tensor of an ONNX model lies in a file outside of the model's folder.

    External data is named relative to the model. A name that is absolute or climbs by ``..`` (CVE-2022-25882,
    CVE-2024-5187, CVE-2024-27318) makes the loader read another file of the machine into a tensor: what the model then
    answers tells its content.

    What to do: do not load it. Honest models keep their data beside them.
    """

    id = "onnx.external-outside"
    hint = "Do not load it: a model's data lies beside it."


class ExternalBeyond(Rule):
    """A tensor of an ONNX model names bytes that its data file does not have.

    Offset and length lead past the end of the file, or are negative. Loaders have read memory out of bounds on this;
    at best the file is cut.

    What to do: fetch model and data again; if they stay so, treat them as hostile.
    """

    id = "onnx.external-beyond"
    severity = Severity.WARNING
    hint = "Fetch the model and its data again."


class PythonOperator(Rule):
    """An ONNX model calls Python.

    Operators such as ``PyOp`` and ``PythonOp`` import a module that the model names and call what it names there, in
    runtimes that are built with them.

    What to do: read the module that is named before you run the model, or ask for one without.
    """

    id = "onnx.python-operator"
    sure = Sure.LIKELY
    hint = "Read the Python that it names before you run the model."


class CustomOperator(Rule):
    """An ONNX model needs operators from elsewhere.

    Their domain is none of the standard's or of a well-known runtime's, and the model does not define them itself. They
    come with a native library that has to be loaded first: whoever says which one runs code on your machine.

    What to do: find out which library registers them, and whether you trust it.
    """

    id = "onnx.custom-operator"
    severity = Severity.WARNING
    sure = Sure.SUSPECTED
    hint = "Find out which library registers these operators."


class OnnxJudge:
    """See the module."""

    name = "onnx"
    rules = (ExternalOutside, ExternalBeyond, PythonOperator, CustomOperator)

    def recognises(self, item: Item) -> bool:
        return item.extension == ".onnx" or (item.head[:1] == b"\x08" and _is_model(item))

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        model = _Model(item)
        yield from model.top(Message.whole(item.source))
        if not model.graphs:
            raise FormatError("holds no graph: this is no ONNX model, or it is damaged")
        yield from model.foreign()


def _is_model(item: Item) -> bool:
    """Whether the top fields are a model's, with a graph among them: they are few, and the graph is stepped over."""
    seen = {1: 0, 7: 0}
    try:
        for count, each in enumerate(Message.whole(item.source)):
            if each.number not in _MODEL_FIELDS or count > _MOST_TOP_FIELDS:
                return False
            seen[each.number] = each.wire
    except WeighbridgeError:
        return seen[7] == BYTES
    return seen[7] == BYTES


@dataclass(frozen=True, slots=True)
class _Operator:
    domain: str
    type: str
    at: int


@dataclass
class _Model:
    """What was met on the way through one model."""

    item: Item
    graphs: int = 0
    named: dict[tuple[str, str], _Operator] = field(default_factory=dict)
    defined: set[tuple[str, str]] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)

    def top(self, model: Message) -> Iterator[Found]:
        for each in model:
            if each.number == 7:
                yield from self.graph(model.inner(each))
            elif each.number == 20:
                training = model.inner(each)
                for part in training:
                    if part.number in (1, 2):
                        yield from self.graph(training.inner(part))
            elif each.number == 25:
                yield from self.function(model.inner(each))

    def graph(self, graph: Message) -> Iterator[Found]:
        self.graphs += 1
        for each in graph:
            if each.number == 1:
                yield from self.node(graph.inner(each))
            elif each.number == 5:
                yield from self.tensor(graph.inner(each))
            elif each.number == 15:
                yield from self.sparse(graph.inner(each))

    def function(self, function: Message) -> Iterator[Found]:
        name = domain = ""
        for each in function:
            if each.number == 1:
                name = function.text(each)
            elif each.number == 10:
                domain = function.text(each)
            elif each.number == 7:
                yield from self.node(function.inner(each))
            elif each.number == 11:
                yield from self.attribute(function.inner(each))
        self.defined.add((domain, name))

    def node(self, node: Message) -> Iterator[Found]:
        domain = type_ = ""
        for each in node:
            if each.number == 4:
                type_ = node.text(each)
            elif each.number == 7:
                domain = node.text(each)
            elif each.number == 5:
                yield from self.attribute(node.inner(each))
        self.named.setdefault((domain, type_), _Operator(domain, type_, node.start))

    def attribute(self, attribute: Message) -> Iterator[Found]:
        for each in attribute:
            if each.number in (5, 10):
                yield from self.tensor(attribute.inner(each))
            elif each.number in (6, 11):
                yield from self.graph(attribute.inner(each))
            elif each.number in (22, 23):
                yield from self.sparse(attribute.inner(each))

    def sparse(self, sparse: Message) -> Iterator[Found]:
        for each in sparse:
            if each.number in (1, 2):
                yield from self.tensor(sparse.inner(each))

    def tensor(self, tensor: Message) -> Iterator[Found]:
        entries: dict[str, str] = {}
        name, external = "", False
        for each in tensor:
            if each.number == 8:
                name = tensor.text(each, 200)
            elif each.number == 13:
                entries |= _entry(tensor.inner(each))
            elif each.number == 14 and each.wire == VARINT:
                external = each.value == _EXTERNAL
        if entries and (external or "location" in entries):
            yield from self._external(name, entries, tensor.start)

    def _external(self, name: str, entries: dict[str, str], at: int) -> Iterator[Found]:
        location = entries.get("location", "")
        how = leads_outside(location)
        if how:
            if location not in self.outside:
                self.outside.add(location)
                message = f"has the tensor {name[:120]!r} lie in {location[:120]!r}, which {how}"
                yield ExternalOutside.found(message, offset=at)
            return
        data = self.item.beside(location) if location else None
        if data is None:
            return
        try:
            offset, length = int(entries.get("offset", "0") or 0), int(entries.get("length", "0") or 0)
        except ValueError:
            offset = length = -1
        if offset < 0 or length < 0 or offset + length > data.size:
            said = f"{entries.get('length', '?')[:30]} bytes from byte {entries.get('offset', '0')[:30]} on"
            message = f"has the tensor {name[:120]!r} take {said} of {location[:120]!r}, which has {data.size:,}"
            yield ExternalBeyond.found(message, offset=at)

    def foreign(self) -> Iterator[Found]:
        """What is to be said of the operators, once it is known which ones the model defines itself."""
        for (domain, type_), operator in self.named.items():
            if (domain, type_) in self.defined:
                continue
            if type_ in _PYTHON or domain.startswith("pyop"):
                yield PythonOperator.found(f"has the operator {type_[:120]!r} call Python", offset=operator.at)
            elif domain not in _KNOWN_DOMAINS:
                message = f"needs the operator {type_[:120]!r} of {domain[:120]!r}"
                yield CustomOperator.found(message, offset=operator.at)


def _entry(entry: Message) -> dict[str, str]:
    parts: dict[int, str] = {each.number: entry.text(each) for each in entry if each.wire == BYTES}
    return {parts.get(1, ""): parts.get(2, "")}


ONNX = OnnxJudge()
