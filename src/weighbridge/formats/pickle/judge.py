"""The verdict on each name that a pickle imports."""

from __future__ import annotations

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable

from weighbridge.formats.base import PickleImport, Verdict
from weighbridge.formats.pickle.allowlist import permit_for
from weighbridge.formats.pickle.denylist import danger
from weighbridge.formats.pickle.machine import COMPUTED, Import
from weighbridge.formats.pickle.permit import Permit
from weighbridge.formats.pickle.render import brief, shorten
from weighbridge.formats.pickle.values import Call, Global, Raw

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

JudgeNested = Callable[[Raw], Verdict]
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
    for call in found.calls:
        if call.way not in permit.ways:
            return Verdict.UNKNOWN, f"known as {permit.reason}, but here it is called"
        if check is not None and (objection := check(call)):
            return Verdict.UNKNOWN, objection
        if permit.rule == "nested_torch":
            verdict, objection = _judge_nested(call, nested)
            if verdict is not Verdict.ALLOWED:
                return verdict, objection
    return Verdict.ALLOWED, permit.reason


def _judge_nested(call: Call, nested: JudgeNested) -> tuple[Verdict, str]:
    data = call.arguments[0] if len(call.arguments) == 1 else None
    if not isinstance(data, Raw) or data.encoding:
        return Verdict.UNKNOWN, "loads bytes that the pickle computes"
    verdict = nested(data)
    return verdict, f"loads a file that is packed in the pickle and is itself {verdict}"


def _known_codec(call: Call) -> str:
    codec = call.arguments[1] if len(call.arguments) == 2 else None
    return "" if isinstance(codec, str) and codec.lower() in _CODECS else f"encodes by {brief(codec, 40)}"


def _calls_first(call: Call) -> str:
    """Functions that call what they are given: every function among the arguments needs a permit to be called."""
    for argument in call.arguments:
        if isinstance(argument, Global):
            permit = permit_for(*in_python3(argument.module, argument.name))
            if permit is None or "call" not in permit.ways:
                return f"is given {argument.qualified} to call, which we do not know to be harmless"
        elif isinstance(argument, Call) and not argument.qualified:
            return "is given a computed function to call"
    return ""


def _makes_instance(call: Call) -> str:
    """copyreg's makers of instances: the class, and for _reconstructor a base whose __init__ is run."""
    classes = call.arguments[:2] if call.qualified.endswith("_reconstructor") else call.arguments[:1]
    for position, cls in enumerate(classes):
        if not isinstance(cls, Global):
            return "makes an instance of a class that the pickle computes"
        permit = permit_for(*in_python3(cls.module, cls.name))
        if permit is None or (("call" if position else "new") not in permit.ways):
            return f"makes an instance of {cls.qualified}, which we do not know to be harmless"
    return ""


_RULES: dict[str, Callable[[Call], str]] = {
    "known_codec": _known_codec,
    "calls_first": _calls_first,
    "makes_instance": _makes_instance,
}
