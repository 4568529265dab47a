"""The verdict on each name that a pickle imports."""

from __future__ import annotations

import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable
from typing import TypeGuard

from weighbridge.formats.base import PickleImport, Verdict
from weighbridge.formats.pickle._states import objection
from weighbridge.formats.pickle.allowlist import permit_for
from weighbridge.formats.pickle.denylist import danger
from weighbridge.formats.pickle.machine import COMPUTED, Import
from weighbridge.formats.pickle.permit import Permit
from weighbridge.formats.pickle.render import brief, shorten
from weighbridge.formats.pickle.values import Call, Global, Raw, Value

_SHOWN_CALLS = 160
_WAYS = {"build": "sets the state of", "set": "sets a key of", "append": "appends to"}
_COMPUTED = {
    "call": "calls something that the pickle computes: what that is can only be known by running it",
    "import": "imports by a name that the pickle computes: which one can only be known by running it",
    "change": "changes an object that lies outside the pickle",
    "frame": "has a frame that ends inside an opcode, so that different unpicklers run different programs",
    "extension": "imports what the loading program registered under a number: nothing says what that is",
}
_CODECS = frozenset({"latin1", "latin-1", "iso-8859-1", "ascii", "utf-8", "utf8"})

JudgeNested = Callable[[Raw | Call], Verdict]
"""Gives the verdict on a PyTorch file that lies as bytes inside the pickle."""


def judge(found: Import, nested: JudgeNested) -> PickleImport:
    """What we know of one import, and of everything that the pickle does with it."""
    verdict, reason = _judge(found, nested)
    calls = found.calls
    return PickleImport(
        module=shorten(found.module, 200),
        name=shorten(found.name, 200),
        verdict=verdict,
        reason=reason,
        opcode=found.opcode,
        offset=found.offset,
        called=bool(calls),
        arguments=brief(calls[0].args, _SHOWN_CALLS) if calls else "",
        made=bool(calls) and all(call.way == "new" for call in calls),
    )


def _judge(found: Import, nested: JudgeNested) -> tuple[Verdict, str]:
    if found.module == COMPUTED:
        return Verdict.DANGEROUS, _COMPUTED[found.name.partition(" ")[0]]
    module, name = in_python3(found.module, found.name)
    if found.changed:
        return Verdict.DANGEROUS, f"{_WAYS[found.changed]} something imported: it changes the program that loads it"
    permit = permit_for(module, name)
    if permit is not None:
        return _judge_permitted(found, permit, nested)
    if reason := danger(module, name) or danger(found.module, found.name):
        return Verdict.DANGEROUS, reason
    if module.partition(".")[0] == "__torch__":
        return Verdict.UNKNOWN, "a class of TorchScript, whose code lies in the archive and was not judged"
    return Verdict.UNKNOWN, "is on no list of ours: what it does when it is imported or called is not known"


def in_python3(module: str, name: str) -> tuple[str, str]:
    """The name that Python 3 imports for one that Python 2 wrote; a name of Python 3 stays as it is."""
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


def _judge_permitted(found: Import, permit: Permit, nested: JudgeNested) -> tuple[Verdict, str]:
    """The permit's own verdict, unless it does not cover one of the calls."""
    check = _RULES.get(permit.rule)
    module, name = in_python3(found.module, found.name)
    if permit.rule and not found.calls and (reason := danger(module, name)):
        return Verdict.DANGEROUS, reason  # harmless in some calls only, and here whoever gets it may make another
    for call in found.calls:
        if call.way not in permit.ways:
            if reason := danger(module, name):
                return Verdict.DANGEROUS, reason
            return Verdict.UNKNOWN, f"known as {permit.reason}, but here it is called"
        if check is not None and (complaint := check(call)):
            reason = danger(module, name)
            return (Verdict.DANGEROUS, f"{reason}; {complaint}") if reason else (Verdict.UNKNOWN, complaint)
        if permit.rule == "nested_torch":
            verdict, told = _judge_nested(call, nested)
            if verdict is not Verdict.ALLOWED:
                return verdict, told
    return Verdict.ALLOWED, permit.reason


def _judge_nested(call: Call, nested: JudgeNested) -> tuple[Verdict, str]:
    data = call.arguments[0] if len(call.arguments) == 1 else None
    if not _is_bytes(data):
        return Verdict.UNKNOWN, "loads bytes that the pickle computes"
    verdict = nested(data)
    return verdict, f"loads a file that is packed in the pickle and is itself {verdict}"


def _is_bytes(data: Value) -> TypeGuard[Raw | Call]:
    """Bytes as they are, or as protocols before 3 write them: a text that is encoded."""
    if isinstance(data, Call) and data.qualified == "_codecs.encode" and not _known_codec(data):
        return isinstance(data.arguments[0], str | Raw)
    return isinstance(data, Raw) and not data.encoding


def _known_codec(call: Call) -> str:
    codec = call.arguments[1] if len(call.arguments) == 2 else None
    return "" if isinstance(codec, str) and codec.lower() in _CODECS else f"encodes by {brief(codec, 40)}"


def _calls_first(call: Call) -> str:
    """Functions that call what they are given: every function among the arguments needs a permit to be called."""
    for argument in call.arguments:
        if isinstance(argument, Global):
            permit = permit_for(*in_python3(argument.module, argument.name))
            if permit is None or "call" not in permit.ways or permit.rule not in ("", "calls_first"):
                return f"is given {argument.qualified} to call, which we do not know to be harmless"
        elif isinstance(argument, Call) and argument.qualified in ("", "functools.partial", "builtins.getattr"):
            return "is given a computed function to call"
    return ""


def _makes_instance(call: Call) -> str:
    """copyreg's makers of instances: the class, and for _reconstructor a base whose __init__ is run."""
    classes = call.arguments[:2] if call.qualified.endswith("_reconstructor") else call.arguments[:1]
    for position, cls in enumerate(classes):
        if isinstance(cls, Call) and cls.qualified == "dill._dill._load_type" and not _plain_type(cls):
            continue
        if not isinstance(cls, Global):
            return "makes an instance of a class that the pickle computes"
        permit = permit_for(*in_python3(cls.module, cls.name))
        if permit is None or (("call" if position else "new") not in permit.ways):
            return f"makes an instance of {cls.qualified}, which we do not know to be harmless"
        if permit.rule == "known_state" and (complaint := objection(cls.qualified, call)):
            return complaint
    return ""


def _calls_later(call: Call) -> str:
    """functools.partial: what it is to call is named, and is not dangerous; when it is called, that is a call."""
    function = call.arguments[0] if call.arguments else None
    return "" if isinstance(function, Global) else "keeps a function that the pickle computes"


_ATTRIBUTE = re.compile(r"[A-Za-z]\w*|_[A-Za-z]\w*")


def _known_attribute(call: Call) -> str:
    """getattr: a plain name, of an object or a class that is permitted. Of a module it could be anything."""
    target, name = call.arguments if len(call.arguments) == 2 else (None, None)
    if not (isinstance(name, str) and _ATTRIBUTE.fullmatch(name)):
        return f"reaches the attribute {brief(name, 40)}"
    if isinstance(target, Call):
        target = target.function
    if not isinstance(target, Global):
        return "reaches an attribute of something that the pickle computes"
    permit = permit_for(*in_python3(target.module, target.name))
    known = permit is not None and (bool(permit.ways) or target.name[:1].isupper())
    return "" if known else f"reaches an attribute of {target.qualified}, which we do not know to be harmless"


def _known_state(call: Call) -> str:
    return objection(call.qualified, call)


_PLAIN_TYPES = frozenset(
    [
        *("type", "object", "int", "float", "complex", "bool", "str", "bytes", "bytearray", "tuple", "list", "dict"),
        *("set", "frozenset", "range", "slice", "NoneType", "NotImplementedType", "EllipsisType", "OrderedDict"),
    ]
)
_RANGE = re.compile(r"(?:range|slice)\([-\d, None]{0,80}\)")


def _plain_type(call: Call) -> str:
    name = call.arguments[0] if len(call.arguments) == 1 else None
    plain = isinstance(name, str) and (name in _PLAIN_TYPES or name.endswith(("Error", "Exception", "Warning")))
    return "" if plain else f"asks dill for the type {brief(name, 60)}"


def _plain_range(call: Call) -> str:
    text = call.arguments[0] if len(call.arguments) == 1 else None
    return "" if isinstance(text, str) and _RANGE.fullmatch(text) else f"evaluates {brief(text, 60)}"


_RULES: dict[str, Callable[[Call], str]] = {
    "known_codec": _known_codec,
    "calls_first": _calls_first,
    "makes_instance": _makes_instance,
    "calls_later": _calls_later,
    "known_attribute": _known_attribute,
    "known_state": _known_state,
    "plain_range": _plain_range,
    "plain_type": _plain_type,
}
