"""What a Keras configuration would have built: code in Lambda layers, names that are imported, files that are read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.outside import leads_outside
from weighbridge.scan.texts.targets import Standing, standing
from weighbridge.scan.trees import Path, mappings, told
from weighbridge.tensors import BytesSource

_LOOKUPS = ("StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup", "Hashing")
_NOT_NAMES = frozenset({"__main__", "builtins", ""})
# Below modules that hold functions for the system, what layers and models are made of all the same.
_HARMLESS = frozenset({"FeatureSpace", "PyDataset", "Sequence", "NormalizedFeature", "TorchModuleWrapper"})
_TORCH = "TorchModuleWrapper"
_LARGEST_CODE = 64 << 20


class Lambda(Rule):
    """A Lambda layer carries Python code.

    Keras keeps the function of a ``Lambda`` layer as marshalled bytecode or as source. Loading such a model without
    safe mode (the only way in Keras 2) takes the code in; using the model runs it.

    What to do: do not load the model. Ask for one whose layers are classes that you can read.
    """

    id = "keras.lambda"
    hint = "Do not load it: ask for a model without Lambda layers."


class DangerousName(Rule):
    """A Keras configuration names a function that reaches the system.

    Keras imports the ``module`` that a configuration names and takes from it what ``class_name``, ``registered_name``
    or ``config`` names (CVE-2025-1550), or calls functions of its own that fetch, write and load files or switch the
    safe mode off (CVE-2025-8747, CVE-2025-9906). Loading the model can be enough.

    What to do: do not load it.
    """

    id = "keras.dangerous-name"
    sure = Sure.LIKELY
    hint = "Do not load it."


class CustomObject(Rule):
    """A Keras model needs Python of its own.

    One of its objects is of a module that belongs to no library that we know. Keras imports it, if it is there: what it
    does depends on what is installed, or on the code that came with the model.

    What to do: read that code before you load the model.
    """

    id = "keras.custom-object"
    severity = Severity.WARNING
    sure = Sure.SUSPECTED
    hint = "Read the module that it names before you load the model."


class TorchModule(Rule):
    """A Keras model carries a pickled PyTorch module.

    ``TorchModuleWrapper`` keeps a module as a pickle inside of the configuration, and loading it unpickles that without
    any check (CVE-2025-49655), whatever the safe mode says.

    What to do: do not load it; ask for the module's weights in safetensors.
    """

    id = "keras.torch-module"
    sure = Sure.LIKELY
    hint = "Do not load it: ask for the module's weights in safetensors."


class ReadsFile(Rule):
    """A preprocessing layer of a Keras model reads a file or an address when it is loaded.

    The ``vocabulary`` of a lookup layer may be a path instead of a list (CVE-2025-12058): loading the model then reads
    that file of the machine, or fetches the address, and the model's answers tell what it holds.

    What to do: do not load it. A vocabulary belongs inside of the model.
    """

    id = "keras.reads-file"
    sure = Sure.LIKELY
    hint = "Do not load it: a vocabulary belongs inside of the model."


RULES = (Lambda, DangerousName, CustomObject, TorchModule, ReadsFile)


def lambdas(tree: Any) -> Iterator[str]:
    """What is to be said of each Lambda layer that carries code."""
    for place, mapping in mappings(tree):
        said = _lambda(mapping)
        if said:
            yield f"{said} ({told(place)})"


def findings(tree: Any, item: Item) -> Iterator[Found | Inside]:
    """Everything that a configuration's tree would have built."""
    for place, mapping in mappings(tree):
        if "class_name" not in mapping:
            continue
        said = _lambda(mapping)
        if said:
            yield Lambda.found(f"{said} ({told(place)})")
        yield from _names(mapping, place, item)
        yield from _files(mapping, place)
        yield from _torch(mapping, place, item)


def _lambda(mapping: dict[str, Any]) -> str:
    class_name, config = mapping.get("class_name"), mapping.get("config")
    if class_name == "__lambda__":
        return "holds a function as marshalled bytecode"
    if class_name != "Lambda" or not isinstance(config, dict):
        return ""
    function = config.get("function")
    code = function[0] if isinstance(function, list) and function else function
    if isinstance(code, str) and not code.replace(".", "").replace(">", "").isidentifier():
        return "has a Lambda layer that carries code"
    return ""


def _names(mapping: dict[str, Any], place: Path, item: Item) -> Iterator[Found]:
    """The module that would be imported, and the name that would be taken from it."""
    module = mapping.get("module")
    class_name, config = mapping.get("class_name"), mapping.get("config")
    names = [name for name in (class_name, mapping.get("registered_name")) if isinstance(name, str)]
    if class_name == "function" and isinstance(config, str):
        names.append(config)
    if not isinstance(module, str) or not names:
        return
    package = module.partition(".")[0]
    wanted = [name for name in names if name not in ("function", *_HARMLESS) and ">" not in name]
    for name in dict.fromkeys(wanted):
        target = name if module in _NOT_NAMES else f"{module}.{name}"
        if target in item.allowed:
            continue
        if standing(target) is Standing.DANGEROUS:
            yield DangerousName.found(f"would import {target[:120]!r} ({told(place)})")
            return
    unknown = module not in _NOT_NAMES and standing(module) is Standing.UNKNOWN
    if unknown and package not in item.allowed and wanted != []:
        yield CustomObject.found(f"would import {wanted[0][:80]!r} from {module[:80]!r} ({told(place)})")


def _files(mapping: dict[str, Any], place: Path) -> Iterator[Found]:
    config = mapping.get("config")
    if mapping.get("class_name") not in _LOOKUPS or not isinstance(config, dict):
        return
    for key in ("vocabulary", "idf_weights"):
        value = config.get(key)
        if isinstance(value, str) and value:
            how = leads_outside(value)
            beside = "" if how else " beside the process that loads it"
            sure = Sure.LIKELY if how else Sure.SUSPECTED
            yield ReadsFile.found(f"has {told((*place, 'config', key))} read {value[:120]!r}{beside}", sure=sure)


def _torch(mapping: dict[str, Any], place: Path, item: Item) -> Iterator[Found | Inside]:
    if mapping.get("class_name") != _TORCH and mapping.get("registered_name") != _TORCH:
        return
    config = mapping.get("config")
    code = config.get("module") if isinstance(config, dict) else None
    if isinstance(code, dict):  # __bytes__
        code = code.get("config", {}).get("value") if isinstance(code.get("config"), dict) else code.get("config")
    yield TorchModule.found(f"holds a pickled PyTorch module ({told(place)})")
    if isinstance(code, str) and len(code) <= _LARGEST_CODE:
        try:
            data = base64.b64decode(code)
        except (binascii.Error, ValueError):
            return
        yield item.inside(told((*place, "config", "module")), BytesSource(data, item.source.name))
