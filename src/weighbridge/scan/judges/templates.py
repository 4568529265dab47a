"""Chat templates in Jinja: on their own, in the JSON of tokenizers and processors, in the metadata of GGUF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weighbridge.errors import FormatError, WeighbridgeError
from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.trees import json_of, text_of, told, walk

_JINJA = (".jinja", ".jinja2", ".j2")
_MAGIC = b"GGUF"
_MOST = 4 << 20


class TemplateEscape(Rule):
    """A chat template that reaches out of its sandbox.

    A template gets messages and makes text. This one goes by way of ``__class__``, ``__globals__`` and the like to
    Python itself, written out or put together from pieces. A program that renders it without a sandbox (CVE-2024-34359
    in llama-cpp-python) runs the template's commands; in a sandbox it is an error at best.

    What to do: do not use the template; take the one of the base model.
    """

    id = "template.escape"
    sure = Sure.LIKELY
    hint = "Do not render this template; take the base model's."


class TemplateOdd(Rule):
    """A chat template that does what templates have no need for.

    It loads other templates, computes the names of attributes from pieces, or makes very large values. Known templates
    do none of this.

    What to do: read it before rendering it.
    """

    id = "template.odd"
    severity = Severity.WARNING
    sure = Sure.SUSPECTED
    hint = "Read the template before rendering it."


class TemplateUnread(Rule):
    """A chat template that is not Jinja as we know it.

    It does not parse, so programs that use Jinja refuse it; others may read it in their own way.

    What to do: read it before rendering it.
    """

    id = "template.unread"
    severity = Severity.WARNING
    sure = Sure.SUSPECTED
    hint = "Read the template before rendering it."


class TemplateJudge:
    """See the module."""

    name = "template"
    rules = (TemplateEscape, TemplateOdd, TemplateUnread)

    def recognises(self, item: Item) -> bool:
        return item.head.startswith(_MAGIC) or item.extension in _JINJA or item.extension == ".json"

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        if item.head.startswith(_MAGIC):
            yield from _in_gguf(item)
        elif item.extension in _JINJA:
            yield from judge_template(text_of(item, _MOST).decode("utf-8", "replace"), "")
        else:
            yield from _in_json(item)


def judge_template(template: str, where: str) -> Iterator[Found]:
    """What one template would do. `where` names the key it stands under."""
    from weighbridge.scan.texts.jinja import NotJinjaError, looks_hostile, reaches

    place = f"{where} " if where else ""
    try:
        found = reaches(template)
    except NotJinjaError as error:
        if looks_hostile(template):
            yield TemplateEscape.found(f"{place}names what only an escape from a sandbox would; it does not parse")
        else:
            yield TemplateUnread.found(f"{place}does not parse: {error}")
        return
    for reach in found[:20]:
        rule = TemplateEscape if reach.escape else TemplateOdd
        yield rule.found(f"{place}{reach.what}, in line {reach.line}")


def _in_json(item: Item) -> Iterator[Found]:
    data = text_of(item)
    if b"{{" not in data and b"{%" not in data and b"\\u" not in data:
        return
    try:
        tree = json_of(data, item.name)
    except WeighbridgeError:
        return  # who reads templates reads JSON
    for place, value in walk(tree):
        if isinstance(value, str) and _is_template(value) and any("template" in str(part) for part in place):
            yield from judge_template(value, told(place))


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


def _in_gguf(item: Item) -> Iterator[Found]:
    for key, value in _metadata(item).items():
        texts = value if isinstance(value, list) else [value]
        for text in texts:
            if isinstance(text, str) and _is_template(text):
                yield from judge_template(text, key[:120])


def _metadata(item: Item) -> dict[str, Any]:
    """The key-values of a GGUF file. Raises `FormatError` where they break the format."""
    from weighbridge.formats._gguf_header import Cursor, read_key_values

    if item.source.size < 24:
        raise FormatError("begins as GGUF, but ends inside its header")
    little = int.from_bytes(item.head[4:8], "little")
    version = little if little & 0xFFFF else int.from_bytes(item.head[4:8], "big")
    if version not in (1, 2, 3):
        raise FormatError(f"is GGUF version {version}; expected 1 to 3")
    cursor = Cursor(item.source, 8, "<" if version == little else ">", wide=version > 1)
    cursor.length()  # of tensors
    return read_key_values(cursor, cursor.length())


TEMPLATES = TemplateJudge()
