"""Python beside a config that the config has loaded: read it, and what it imports from beside itself."""

from __future__ import annotations

from collections.abc import Iterator

from weighbridge.report.model import Severity
from weighbridge.scan.item import Item
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.texts.python import Deed, deeds, relative_imports

_MOST_FILES = 64
_MOST_BYTES = 4 << 20
_TOLD = 5


class RemoteCode(Rule):
    """The config has Python loaded that reaches the system.

    ``auto_map``, a custom pipeline, a module type or a loader names Python that comes with the model; it runs when the
    model is loaded (with ``trust_remote_code`` where the library asks). That Python starts programs, evaluates text,
    opens connections or loads native code. No model needs that.

    What to do: do not load the model, or read the code first.
    """

    id = "config.remote-code"
    sure = Sure.LIKELY
    hint = "Do not load it with trust_remote_code; read the code first."


class CustomCode(Rule):
    """The config has Python of its own loaded.

    Loading the model with ``trust_remote_code`` runs Python that comes with it, or comes from another repository. From
    its syntax nothing dangerous could be told; it can still do whatever Python can.

    What to do: read the code, and pin the revision that you read.
    """

    id = "config.custom-code"
    severity = Severity.WARNING
    hint = "Read the code, and pin the revision that you read."


def code_beside(
    name: str, reason: str, item: Item, *, only_beside: bool = False, elsewhere: str = ""
) -> Iterator[Found]:
    """The verdict on the module of ``[repository--]module.Class``. `elsewhere` is a second folder to look in."""
    repository, there, rest = name.rpartition("--")
    module = rest.replace(":", ".").rpartition(".")[0] or rest
    paths = [folder + file for folder in ("", "code/", elsewhere) for file in _files(module, rest)]
    first = next((path for path in paths if not there and _source(path, item) is not None), None)
    if first is None:
        if there:
            yield CustomCode.found(f"{reason}: code of the repository {repository[:120]!r}, which is not here")
        elif not only_beside:
            yield CustomCode.found(f"{reason}: code that does not lie here")
        return
    bad: list[tuple[str, Deed]] = []
    unread: list[str] = []
    for path, source in _reached(first, item):
        try:
            bad.extend((path, deed) for deed in deeds(source) if deed.dangerous)
        except SyntaxError:
            unread.append(path)
    for path, deed in bad[:_TOLD]:
        yield RemoteCode.found(f"{reason}, and {path} calls {deed.call[:80]} in line {deed.line}")
    if not bad:
        rest_of_it = f"; {unread[0]} is not Python that we read" if unread else ""
        yield CustomCode.found(f"{reason}: {first} runs when it is loaded{rest_of_it}")


def _files(module: str, whole: str) -> Iterator[str]:
    for name in dict.fromkeys((module, whole, module.partition(".")[0])):
        path = name.replace(".", "/")
        yield f"{path}.py"
        yield f"{path}/__init__.py"


def _source(path: str, item: Item) -> bytes | None:
    found = item.beside(path)
    return None if found is None else found.read_at(0, min(found.size, _MOST_BYTES))


def _reached(first: str, item: Item) -> Iterator[tuple[str, bytes]]:
    """The module, and what it imports relative to itself."""
    waiting, seen = [first], {first}
    while waiting and len(seen) <= _MOST_FILES:
        path = waiting.pop(0)
        source = _source(path, item)
        if source is None:
            continue
        yield path, source
        folder = path.rpartition("/")[0]
        for name in relative_imports(source):
            inner = f"{folder}/{name}.py".lstrip("/")
            if inner not in seen:
                seen.add(inner)
                waiting.append(inner)
