"""States that a library runs as code when it takes them back: looked at word by word.

- SciPy's distributions compile ``_parse_arg_template``, the source of three functions, in ``__setstate__``.
- statsmodels' ``ModelData`` evaluates a formula of patsy, which is Python, where the state asks for it.
- Attributes that replace a class or what it does are named by nobody honest.

A class of those two packages may be given plain dictionaries only: what another object would bring as its state is
not worked out here.
"""

from __future__ import annotations

import re

from weighbridge.formats.pickle.values import Call, Pairs

_SHAPES = r"(?:[A-Za-z_]\w*, )*"
_TEMPLATE = re.compile(
    rf"\s*def _parse_args\(self, ({_SHAPES}) (?:loc=0, scale=1|loc=0)\):\s+return \(\1\), (?:loc, scale|loc, 1)\s+"
    rf"def _parse_args_rvs\(self, \1 (?:loc=0, scale=1|loc=0), size=None\):\s+"
    rf"return self\._argcheck_rvs\(\1 (?:loc, scale|loc, 1), size=size\)\s+"
    rf"def _parse_args_stats\(self, \1 (?:loc=0, scale=1|loc=0), moments='mv'\):\s+"
    rf"return \(\1\), (?:loc, scale|loc, 1), moments\s*"
)
_RUN_AS_CODE = ("scipy.stats", "statsmodels")
_EVALUATED = frozenset(["restore_design_info", "formula"])
_CLASSES = frozenset(["__class__", "__reduce__", "__reduce_ex__", "__setstate__", "__getattr__", "__del__"])


def objection(qualified: str, call: Call) -> str:
    """What in the states of an object of this class is run as code when it is set; "" for nothing.

    `call` is what makes the object: the class itself, or a function of copyreg that is given the class.
    """
    strict = qualified.startswith(_RUN_AS_CODE)
    for state in call.states or ():
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, Pairs):
                if found := _in_attributes(qualified, part):
                    return found
            elif strict and part is not None:
                return "is given a state that is no plain dictionary, and its class runs what a state says"
    return ""


def _in_attributes(qualified: str, state: Pairs) -> str:
    for key, value in state:
        if qualified.startswith(_RUN_AS_CODE) and not isinstance(key, str):
            return "is given an attribute whose name the pickle computes"
        if key == "_parse_arg_template" and not (isinstance(value, str) and _TEMPLATE.fullmatch(value)):
            return "is given a template of functions, which is run, and which SciPy did not write"
        if (
            isinstance(key, str)
            and key in _EVALUATED
            and qualified.startswith("statsmodels.")
            and value not in (None, False)
        ):
            return f"is given {key!r}, which is evaluated as Python"
        if isinstance(key, str) and key in _CLASSES:
            return f"is given {key!r}, which changes what it is"
    return ""
