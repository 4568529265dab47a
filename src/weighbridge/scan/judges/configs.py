"""Configs in JSON and YAML: what code they have loaded, from where, and files outside that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from weighbridge.errors import WeighbridgeError
from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges._remote_code import CustomCode, RemoteCode, code_beside
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.outside import leads_outside
from weighbridge.scan.texts.targets import Standing, standing
from weighbridge.scan.trees import Path, json_of, mappings, text_of, told

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+")
_WORDS = (b"auto_map", b"_target_", b"target", b"_class_name", b"type", b"weight_map", b"trust_remote_code",
          b"base_model_name_or_path", b"auto_mapping", b"custom_pipeline", b"loader_module", b"\\u")  # fmt: skip


class DangerousTarget(Rule):
    """A config names a function that reaches the system.

    Hydra's ``_target_``, NeMo's and latent diffusion's ``target``, MLflow's ``loader_module`` and the like are imported
    and called when the config is instantiated. ``os.system`` with its argument in the next line is a command that runs.

    What to do: do not instantiate this config.
    """

    id = "config.dangerous-target"
    sure = Sure.LIKELY
    hint = "Do not instantiate this config."


class UnknownTarget(Rule):
    """A config names a class that we do not know.

    It is imported and called when the config is instantiated. It lies neither in a library that is known to us nor
    beside the config; what it does depends on what is installed.

    What to do: find out which package it comes from.
    """

    id = "config.unknown-target"
    severity = Severity.WARNING
    sure = Sure.SUSPECTED
    hint = "Find out which package this comes from before you instantiate the config."


class IndexOutside(Rule):
    """An index names a file outside of its folder.

    The index of a sharded checkpoint maps tensors to files beside it. A name that is absolute or climbs by ``..`` makes
    the loader open, and whoever serves or copies the model read, another file of the machine.

    What to do: do not load it; a shard lies beside its index.
    """

    id = "config.index-outside"
    hint = "Do not load it: shards lie beside their index."


class OutsidePath(Rule):
    """A config names a base model by a path on somebody's machine.

    ``base_model_name_or_path`` is absolute or climbs by ``..``. Often the trace of a training machine; on yours it
    loads whatever lies there.

    What to do: put the name of the base model there.
    """

    id = "config.outside-path"
    severity = Severity.WARNING
    hint = "Name the base model instead of a path."


class TrustFlag(Rule):
    """A config asks for remote code to be trusted.

    ``trust_remote_code: true`` in a file that comes with a model would take the decision from its user.

    What to do: decide yourself, after reading the code.
    """

    id = "config.trust-remote-code"
    severity = Severity.WARNING
    hint = "Decide yourself whether to trust the code."


class ConfigJudge:
    """See the module."""

    name = "config"
    rules = (RemoteCode, CustomCode, DangerousTarget, UnknownTarget, IndexOutside, OutsidePath, TrustFlag)

    def recognises(self, item: Item) -> bool:
        return item.extension in (".json", ".index") and item.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        data = text_of(item)
        if not any(word in data for word in _WORDS):
            return
        try:
            tree = json_of(data, item.name)
        except WeighbridgeError:
            if item.basename in ("config.json", "model_index.json", "adapter_config.json", "tokenizer_config.json"):
                raise
            return  # JSON lines, comments: nothing that a loader of models reads
        yield from findings(tree, item)


def findings(tree: Any, item: Item) -> Iterator[Found]:
    """What a config's tree would have loaded."""
    if item.basename == "modules.json" and isinstance(tree, list):
        yield from _modules(tree, item)
    for place, mapping in mappings(tree):
        yield from _auto_map(mapping, place, item)
        yield from _targets(mapping, place, item)
        yield from _diffusers(mapping, item)
        yield from _paths(mapping, place)


def _auto_map(mapping: dict[str, Any], place: Path, item: Item) -> Iterator[Found]:
    value = mapping.get("auto_map")
    entries = value.values() if isinstance(value, dict) else [value]
    for entry in entries:
        for name in entry if isinstance(entry, list) else [entry]:
            if isinstance(name, str) and "." in name:
                yield from code_beside(name, f"{told((*place, 'auto_map'))} names {name[:120]!r}", item)
    mapped = mapping.get("auto_mapping")
    library = mapped.get("parent_library") if isinstance(mapped, dict) else None
    if isinstance(library, str):
        yield from _target(library, (*place, "auto_mapping", "parent_library"), item)
    if mapping.get("trust_remote_code") is True:
        yield TrustFlag.found(f"sets {told((*place, 'trust_remote_code'))}")


def _targets(mapping: dict[str, Any], place: Path, item: Item) -> Iterator[Found]:
    for key in ("_target_", "target", "loader_module", "class_path", "python_class", "__class__", "cls_target"):
        value = mapping.get(key)
        if not isinstance(value, str) or len(value) > 500:
            continue
        sure_key = key in ("_target_", "loader_module")
        if sure_key or _DOTTED.fullmatch(value):
            yield from _target(value, (*place, key), item, quiet=not sure_key)


def _target(name: str, place: Path, item: Item, quiet: bool = False) -> Iterator[Found]:
    """What is known of one name. `quiet`: the key may mean something else, so what is unknown is not told."""
    if name in item.allowed or name.replace(":", ".") in {each.replace(":", ".") for each in item.allowed}:
        return
    known = standing(name)
    if known is Standing.DANGEROUS and not (quiet and "." not in name and ":" not in name):
        yield DangerousTarget.found(f"has {name[:120]!r} called ({told(place)})")
    elif known is Standing.UNKNOWN and not quiet:
        found = list(code_beside(name, f"{told(place)} names {name[:120]!r}", item, only_beside=True))
        yield from found
        if not found:
            yield UnknownTarget.found(f"has {name[:120]!r} called ({told(place)})")


def _diffusers(mapping: dict[str, Any], item: Item) -> Iterator[Found]:
    if "_class_name" not in mapping:
        return
    for key, value in mapping.items():
        pair = isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) for each in value)
        if pair and standing(value[0]) is not Standing.KNOWN:
            name = ".".join(value)
            yield from code_beside(name, f"{key[:60]} names {name[:120]!r}", item, elsewhere=f"{key[:60]}/")
    custom = mapping.get("custom_pipeline")
    if isinstance(custom, str):
        yield from code_beside(f"{custom}.x", f"custom_pipeline names {custom[:120]!r}", item)


def _modules(tree: list[Any], item: Item) -> Iterator[Found]:
    for entry in tree:
        name = entry.get("type") if isinstance(entry, dict) else None
        if isinstance(name, str) and not name.startswith("sentence_transformers."):
            if standing(name) is Standing.DANGEROUS:
                yield DangerousTarget.found(f"has {name[:120]!r} called as a module")
            elif standing(name) is Standing.UNKNOWN:
                yield from code_beside(name, f"a module is of type {name[:120]!r}", item)


def _paths(mapping: dict[str, Any], place: Path) -> Iterator[Found]:
    weights = mapping.get("weight_map")
    if isinstance(weights, dict):
        for name in sorted({name for name in weights.values() if isinstance(name, str)})[:10_000]:
            how = leads_outside(name)
            if how:
                yield IndexOutside.found(f"names {name[:120]!r}, which {how}")
    base = mapping.get("base_model_name_or_path")
    if isinstance(base, str) and leads_outside(base) in ("is absolute", "climbs out of its folder by '..'"):
        yield OutsidePath.found(f"{told((*place, 'base_model_name_or_path'))} is {base[:120]!r}")


CONFIGS = ConfigJudge()
