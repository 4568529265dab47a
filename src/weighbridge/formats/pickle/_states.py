"""States that a library runs as code when it takes them back: looked at word by word.

- SciPy's distributions compile ``_parse_arg_template``, the source of three functions, in ``__setstate__``.
- statsmodels' ``ModelData`` evaluates a formula of patsy, which is Python, where the state asks for it.
- numpy.memmap-like file names, and attributes that replace a class, are named by nobody honest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from weighbridge.formats.pickle.values import Call, Pairs, Value

_SHAPES = r"(?:[A-Za-z_]\w*, )*"
_TEMPLATE = re.compile(
    rf"\s*def _parse_args\(self, ({_SHAPES}) (?:loc=0, scale=1|loc=0)\):\s+return \(\1\), (?:loc, scale|loc, 1)\s+"
    rf"def _parse_args_rvs\(self, \1 (?:loc=0, scale=1|loc=0), size=None\):\s+"
    rf"return self\._argcheck_rvs\(\1 (?:loc, scale|loc, 1), size=size\)\s+"
    rf"def _parse_args_stats\(self, \1 (?:loc=0, scale=1|loc=0), moments='mv'\):\s+"
    rf"return \(\1\), (?:loc, scale|loc, 1), moments\s*"
)
_EVALUATED = frozenset(["restore_design_info", "formula"])
_CLASSES = frozenset(["__class__", "__reduce__", "__reduce_ex__", "__setstate__", "__getattr__", "__del__"])


def objection(call: Call) -> str:
    """What in the states of an object is run as code when it is set; "" for nothing."""
    for key, value in _attributes(call):
        if key == "_parse_arg_template" and not (isinstance(value, str) and _TEMPLATE.fullmatch(value)):
            return "is given a template of functions, which is run, and which SciPy did not write"
        if key in _EVALUATED and call.qualified.startswith("statsmodels.") and value not in (None, False):
            return f"is given {key!r}, which is evaluated as Python"
        if key in _CLASSES:
            return f"is given {key!r}, which changes what it is"
    return ""


def _attributes(call: Call) -> Iterator[tuple[Value, Value]]:
    for state in call.states or ():
        for part in state if isinstance(state, tuple) and len(state) <= 4 else (state,):
            if isinstance(part, Pairs):
                yield from part.first(10_000)
