"""YAML: tags that build Python objects, and targets that are called. Composed as nodes; nothing is constructed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from weighbridge.errors import LimitError
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges.configs import DangerousTarget, UnknownTarget, findings
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.texts.targets import Standing, standing
from weighbridge.scan.trees import text_of

_MOST = 4 << 20
_MOST_NODES = 300_000
_PYTHON = "tag:yaml.org,2002:python/"
_PLAIN = ("none", "bool", "str", "unicode", "bytes", "int", "long", "float", "complex", "list", "tuple", "dict")
_HYPER = re.compile(r"!(new|name|apply|module|function|call|obj|class|object):?([\w.:]+)")
_IN_TEXT = re.compile(rb"!!python/(?:object|name|module)[/\w]*:[\w.]+")


class PythonTag(Rule):
    """YAML that builds Python objects.

    ``!!python/object/apply:os.system ["…"]`` is a call that PyYAML makes while it reads, with ``yaml.unsafe_load``,
    ``yaml.Loader`` in older versions, and whatever is built on them.

    What to do: read YAML with ``yaml.safe_load``, and do not use this file.
    """

    id = "config.yaml-python-tag"
    hint = "Do not use this file; read YAML with yaml.safe_load only."
    sure = Sure.LIKELY


class YamlJudge:
    """See the module."""

    name = "yaml"
    rules = (PythonTag,)

    def recognises(self, item: Item) -> bool:
        return item.extension in (".yaml", ".yml") or item.basename == "MLmodel"

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        import yaml

        data = text_of(item, _MOST)
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            documents = list(yaml.compose_all(data, loader))
        except (yaml.YAMLError, UnicodeError, ValueError):
            yield from (
                PythonTag.found(f"does not parse, but names {tag[0].decode()[:120]}", offset=tag.start())
                for tag in _IN_TEXT.finditer(data)
            )
            return
        for node in documents:
            if node is not None:
                yield from _tags(node)
                yield from findings(_plain(node), item)


def _nodes(root: Any) -> Iterator[Any]:
    """Every node once, however often aliases lead to it."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        yield node
        inner = [part for pair in node.value for part in pair] if node.id == "mapping" else node.value
        for part in inner if node.id != "scalar" else ():
            if id(part) not in seen:
                seen.add(id(part))
                waiting.append(part)
        if len(seen) > _MOST_NODES:
            raise LimitError(f"holds more than {_MOST_NODES:,} nodes")


def _tags(root: Any) -> Iterator[Found]:
    for node in _nodes(root):
        tag = str(node.tag or "")
        line = node.start_mark.line + 1
        if tag.startswith(_PYTHON):
            kind, _, name = tag.removeprefix(_PYTHON).partition(":")
            if kind not in _PLAIN and standing(name) is not Standing.KNOWN:
                yield PythonTag.found(f"builds a Python object in line {line}: !!python/{kind}:{name[:120]}")
        elif match := _HYPER.match(tag):
            known = standing(match[2])
            if known is Standing.DANGEROUS:
                yield DangerousTarget.found(f"has {match[2][:120]!r} called in line {line} ({tag[:80]})")
            elif known is Standing.UNKNOWN and "." in match[2]:
                yield UnknownTarget.found(f"has {match[2][:120]!r} called in line {line} ({tag[:80]})")


def _plain(root: Any) -> Any:
    """The tree as plain values: texts, lists, mappings. An alias is expanded once, and is empty after that."""
    seen: set[int] = set()

    def value(node: Any, depth: int) -> Any:
        if id(node) in seen or depth > 100:
            return None
        if node.id == "scalar":
            return node.value if node.tag != "tag:yaml.org,2002:bool" else node.value.lower() in ("true", "yes", "on")
        seen.add(id(node))
        if node.id == "sequence":
            return [value(part, depth + 1) for part in node.value]
        return {str(key.value)[:500]: value(inner, depth + 1) for key, inner in node.value if key.id == "scalar"}

    return value(root, 0)


YAMLS = YamlJudge()
