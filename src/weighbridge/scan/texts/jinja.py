"""Chat templates: what in a Jinja template would reach beyond the messages. The syntax tree is read; nothing runs.

Two renderers matter: transformers, in a sandbox whose past holes all went through names that begin with an underscore,
and programs that render with plain Jinja (CVE-2024-34359), where such a name is code execution. So every way to such a
name counts: written, as a subscript, by the ``attr`` filter, in a format string, or computed from pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_MOST = 1 << 20
_LONGEST = 10_000
_LARGE = 1_000_000
_DUNDER = re.compile(r"__\w{2,}__|_TemplateReference__|\b(?:func|f|gi|cr|ag|tb)_(?:globals|builtins|code|frame|back)\b")
_FIELDS = re.compile(r"[{][^{}]*?[.\[]_")
# Not one of these occurs in text about messages and tools.
_REACHING = ("mro", "func_globals", "gi_frame", "f_globals", "f_builtins", "f_back", "cr_frame", "tb_frame", "im_func")
_LOADERS = {"Include": "include", "Import": "import", "FromImport": "from … import", "Extends": "extends"}
_ATTRIBUTES = {"attr": 0, "map": -1, "selectattr": 0, "rejectattr": 0, "groupby": 0, "sort": -1, "sum": -1}


@dataclass(frozen=True, slots=True)
class Reach:
    """One construct: what it is, its line, and whether it is an escape (rather than only odd)."""

    what: str
    line: int
    escape: bool


class NotJinjaError(Exception):
    """The text does not parse as a template."""


def reaches(template: str) -> tuple[Reach, ...]:
    """What the template would reach for, in order of lines. Raises `NotJinjaError` where Jinja would refuse it."""
    tree = _parsed(template[:_MOST])
    strings = dict(_assigned(tree))
    found = {reach for node in _walk(tree) for reach in _of(node, strings)}
    return tuple(sorted(found, key=lambda reach: (reach.line, reach.what)))


def _parsed(template: str) -> Any:
    from jinja2 import nodes
    from jinja2.exceptions import TemplateError
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """transformers' ``{% generation %}``, read as the block it is."""

        tags = {"generation"}  # noqa: RUF012 (as Jinja wants it)

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)

    extensions = ["jinja2.ext.loopcontrols", "jinja2.ext.do", "jinja2.ext.i18n", Generation]
    try:
        return ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=extensions).parse(
            template
        )
    except (TemplateError, RecursionError, ValueError, OverflowError) as error:
        raise NotJinjaError(str(error)[:200]) from None


def _walk(tree: Any) -> Iterator[Any]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


def _assigned(tree: Any) -> Iterator[tuple[str, str]]:
    """Names that are set to texts which the template alone computes; thrice over, as one may use another."""
    known: dict[str, str] = {}
    for _ in range(3):
        for node in _walk(tree):
            if type(node).__name__ == "Assign" and type(node.target).__name__ == "Name":
                value = _text(node.node, known)
                if value is not None:
                    known[node.target.name] = value
    yield from known.items()


def _of(node: Any, strings: dict[str, str]) -> Iterator[Reach]:
    kind = type(node).__name__
    line = int(getattr(node, "lineno", 0) or 0)
    if kind == "Getattr" and _forbidden(node.attr):
        yield Reach(f"takes the attribute {node.attr[:60]!r}", line, True)
    elif kind == "Getitem":
        yield from _subscript(node, strings, line)
    elif kind == "Filter":
        yield from _filter(node, strings, line)
    elif kind == "Call":
        yield from _call(node, strings, line)
    elif kind in _LOADERS:
        yield Reach(f"loads another template ({_LOADERS[kind]})", line, False)
    elif kind in ("Concat", "Add", "Mod", "Const"):
        text = _text(node, strings)
        if text is not None and _DUNDER.search(text) and kind != "Const":
            yield Reach(f"puts together the text {text[:60]!r}", line, True)
    if kind in ("Mul", "Pow"):
        yield from _growth(node, line)


def _forbidden(name: str) -> bool:
    """A name that only an escape takes. Messages may have keys with one underscore in front."""
    return name.startswith("__") or name in _REACHING or bool(_DUNDER.search(name))


def _subscript(node: Any, strings: dict[str, str], line: int) -> Iterator[Reach]:
    text = _text(node.arg, strings)
    if text is not None and _forbidden(text):
        how = "" if type(node.arg).__name__ == "Const" else ", which it computes"
        yield Reach(f"takes the attribute {text[:60]!r}{how}", line, True)
    elif text is None and type(node.arg).__name__ in ("Concat", "Mod", "Filter", "Slice") and _literal(node.arg):
        yield Reach("takes an attribute by a name that it computes from pieces", line, False)


def _filter(node: Any, strings: dict[str, str], line: int) -> Iterator[Reach]:
    if node.name == "format" or node.name not in _ATTRIBUTES:
        text = _text(node.node, strings) if node.name == "format" and node.node is not None else None
        if text is not None and _FIELDS.search(text):
            yield Reach(f"formats with {text[:60]!r}", line, True)
        return
    place = _ATTRIBUTES[node.name]
    named = [each.value for each in node.kwargs if each.key == "attribute"]
    for argument in (*(node.args[place : place + 1] if place >= 0 else ()), *named, *_mapped(node)):
        text = _text(argument, strings)
        if text is not None and any(_forbidden(part) for part in text.split(".")):
            yield Reach(f"takes the attribute {text[:60]!r} by the filter {node.name}", line, True)
        elif text is None and node.name == "attr":
            yield Reach("takes an attribute by a name that it computes (the filter attr)", line, True)


def _mapped(node: Any) -> Iterator[Any]:
    """``x|map('attr', '__class__')``: a filter by its name."""
    if node.name == "map" and len(node.args) > 1:
        yield from node.args[1:]


def _call(node: Any, strings: dict[str, str], line: int) -> Iterator[Reach]:
    callee = node.node
    if type(callee).__name__ == "Getattr" and callee.attr in ("format", "format_map"):
        text = _text(callee.node, strings)
        if text is not None and _FIELDS.search(text):
            yield Reach(f"formats with {text[:60]!r}", line, True)
    if type(callee).__name__ == "Name" and callee.name == "range":
        numbers = [getattr(each, "value", 0) for each in node.args]
        if any(isinstance(number, int) and abs(number) > _LARGE for number in numbers):
            yield Reach("counts to more than a million", line, False)


def _growth(node: Any, line: int) -> Iterator[Reach]:
    sides = [getattr(side, "value", 0) for side in (node.left, node.right)]
    if any(isinstance(side, int) and abs(side) > _LARGE for side in sides):
        yield Reach("makes a value a million times as large", line, False)


def _literal(node: Any) -> bool:
    """Whether text that stands in the template is part of the expression."""
    return any(type(each).__name__ == "Const" and isinstance(each.value, str) for each in _walk(node))


def _text(node: Any, strings: dict[str, str]) -> str | None:
    """The text that an expression gives, where it can be told from the template; else None. Bounded in length."""
    value = _folded(node, strings, 0)
    return value[:_LONGEST] if isinstance(value, str) else None


def _folded(node: Any, strings: dict[str, str], depth: int) -> Any:
    kind = type(node).__name__
    if node is None or depth > 50:
        return None
    if kind in ("Const", "TemplateData"):
        return getattr(node, "value", getattr(node, "data", None))
    if kind == "Name":
        return strings.get(node.name)
    if kind == "Neg":
        inner = _folded(node.node, strings, depth + 1)
        return -inner if isinstance(inner, int) else None
    if kind in ("List", "Tuple"):
        parts = [_folded(each, strings, depth + 1) for each in node.items]
        return None if any(part is None for part in parts) else parts
    if kind in ("Concat", "Add", "Mod"):
        return _joined(node, strings, depth)
    if kind == "Getitem":
        return _sliced(node, strings, depth)
    if kind == "Filter":
        return _filtered(node, strings, depth)
    return _called(node, strings, depth) if kind == "Call" else None


def _joined(node: Any, strings: dict[str, str], depth: int) -> Any:
    sides = node.nodes if hasattr(node, "nodes") else [node.left, node.right]
    parts = [_folded(side, strings, depth + 1) for side in sides]
    if any(part is None for part in parts):
        return None
    if type(node).__name__ == "Mod":
        return _formatted(parts[0], parts[1] if isinstance(parts[1], list) else [parts[1]])
    if type(node).__name__ == "Add" and not all(isinstance(part, str) for part in parts):
        return None
    return "".join(str(part) for part in parts)[:_LONGEST]


def _formatted(form: Any, values: list[Any]) -> str | None:
    """The ``%`` of texts, without widths, which could make it as long as they say."""
    if not isinstance(form, str) or re.search(r"%[^%a-zA-Z]*[0-9*]", form):
        return None
    try:
        return (form % tuple(values))[:_LONGEST]
    except (TypeError, ValueError, OverflowError):
        return None


def _sliced(node: Any, strings: dict[str, str], depth: int) -> Any:
    inner = _folded(node.node, strings, depth + 1)
    if not isinstance(inner, str | list):
        return None
    if type(node.arg).__name__ == "Slice":
        bounds = [None if part is None else _folded(part, strings, depth + 1)
                  for part in (node.arg.start, node.arg.stop, node.arg.step)]  # fmt: skip
        if any(bound is not None and not isinstance(bound, int) for bound in bounds) or bounds[2] == 0:
            return None
        return inner[slice(*bounds)]
    at = _folded(node.arg, strings, depth + 1)
    return inner[at] if isinstance(at, int) and -len(inner) <= at < len(inner) else None


_FILTERS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "string": str,
    "title": str.title,
}
_METHODS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "swapcase": str.swapcase,
}


def _filtered(node: Any, strings: dict[str, str], depth: int) -> Any:
    inner = _folded(node.node, strings, depth + 1)
    arguments = [_folded(each, strings, depth + 1) for each in node.args]
    if node.name in ("reverse", "list") and isinstance(inner, str | list):
        return inner[::-1] if node.name == "reverse" else list(inner)
    if node.name == "join" and isinstance(inner, list | str):
        separator = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        return separator.join(str(part) for part in inner)[:_LONGEST]
    if not isinstance(inner, str):
        return None
    if node.name in _FILTERS:
        return _FILTERS[node.name](inner)
    if node.name == "format" and None not in arguments:
        return _formatted(inner, arguments)
    if node.name == "replace" and len(arguments) > 1 and all(isinstance(each, str) for each in arguments[:2]):
        return inner.replace(arguments[0], arguments[1])[:_LONGEST]
    return None


def _called(node: Any, strings: dict[str, str], depth: int) -> Any:
    if type(node.node).__name__ != "Getattr":
        return None
    inner = _folded(node.node.node, strings, depth + 1)
    arguments = [_folded(each, strings, depth + 1) for each in node.args]
    if not isinstance(inner, str) or None in arguments:
        return None
    if node.node.attr in _METHODS and not arguments:
        return _METHODS[node.node.attr](inner)
    if node.node.attr == "join" and len(arguments) == 1 and isinstance(arguments[0], list):
        return inner.join(str(part) for part in arguments[0])[:_LONGEST]
    if node.node.attr == "replace" and len(arguments) == 2 and all(isinstance(each, str) for each in arguments):
        return inner.replace(arguments[0], arguments[1])[:_LONGEST]
    return None


def looks_hostile(template: str) -> bool:
    """For a text that does not parse: whether it names what only an escape would."""
    return bool(_DUNDER.search(template[:_MOST]))
