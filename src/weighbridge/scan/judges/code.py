"""Programs inside archives of weights: compiled code, Python in a torch.package, TorchScript that touches files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges.pickles import EXTENSIONS
from weighbridge.scan.model import Found, Rule, Sure

_NATIVE = (
    (b"\x7fELF", "ELF"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xca\xfe\xba\xbe", "Mach-O or Java"),
    (b"\x00asm", "WebAssembly"),
)
_WEIGHTS = EXTENSIONS.union([".safetensors", ".onnx", ".gguf", ".h5", ".keras", ".pb", ".tflite"])
_MOST = 8 << 20
# Operators that come with PyTorch and its own libraries; others are registered by libraries that have to be loaded.
_OWN = "aten|prim|prims|quantized|prepacked|torchvision|torchaudio|torchtext|sparse|onednn|mkldnn|xnnpack|inductor"
_FILES = re.compile(rb"\b(?:torch\.(?:save|load|from_file)|ops\.aten\.(?:save|from_file))\b")
_FOREIGN = re.compile(rb"\bops\.(?!(?:" + _OWN.encode() + rb")\.)(\w{1,60})\.(\w{1,60})")


class NativeCode(Rule):
    """Compiled code where weights should be.

    A program or library (ELF, PE, Mach-O) among or instead of weights. Ahead-of-time compiled models carry one, and
    loading the model loads it: it can do whatever a program can. No other weights need any.

    What to do: ask for the weights without it and compile the model yourself, or treat it as you would any binary.
    """

    id = "code.native"
    sure = Sure.LIKELY
    hint = "Treat it as any program from a stranger; weights need none."


class PackagedPython(Rule):
    """The archive carries Python that loading it runs.

    A ``torch.package`` holds modules as source; ``PackageImporter`` executes them when an object is loaded.

    What to do: read the modules, or ask for the weights alone.
    """

    id = "code.torch-package"
    sure = Sure.LIKELY
    hint = "Read the modules in the archive before you load it."


class ScriptFiles(Rule):
    """TorchScript that reads or writes files.

    The program in the archive calls ``torch.save``, ``torch.load`` or ``torch.from_file``: using the model then opens
    the files it names. No inference needs that.

    What to do: do not use the model.
    """

    id = "code.torchscript-files"
    sure = Sure.LIKELY
    hint = "Do not use the model: no inference needs files."


class ScriptOperators(Rule):
    """TorchScript that needs operators from elsewhere.

    They come with a library that has to be loaded first; what they do cannot be told from this file.

    What to do: find out which library registers them, and whether you trust it.
    """

    id = "code.torchscript-operators"
    severity = Severity.WARNING
    hint = "Find out which library registers these operators."


class CodeJudge:
    """See the module."""

    name = "code"
    rules = (NativeCode, PackagedPython, ScriptFiles, ScriptOperators)

    def recognises(self, item: Item) -> bool:
        return bool(_native(item.head)) or (item.extension == ".py" and bool(item.member))

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        kind = _native(item.head)
        if kind:
            if item.member or item.extension in _WEIGHTS:
                yield NativeCode.found(f"begins as a program or library ({kind})", offset=0)
            return
        if "/code/" in f"/{item.name}":
            yield from _script(item.read(_MOST))
        elif any("/.data/" in f"/{name}" for name in item.siblings):
            yield PackagedPython.found("is Python that loading the package runs")


def _native(head: bytes) -> str:
    if head.startswith(b"MZ") and b"PE\0\0" in head:
        return "PE"
    return next((kind for magic, kind in _NATIVE if head.startswith(magic)), "")


def _script(text: bytes) -> Iterator[Found]:
    for match in list(_FILES.finditer(text))[:10]:
        yield ScriptFiles.found(f"calls {match[0].decode()}", offset=match.start())
    foreign = {match[0]: match.start() for match in _FOREIGN.finditer(text)}
    for name, offset in list(foreign.items())[:10]:
        yield ScriptOperators.found(f"needs the operator {name.decode()}", offset=offset)


CODE = CodeJudge()
