"""Questions asked of a checkpoint, and their answers as one `Report`.

- `check`: a path in, a report out. Nothing in the files is executed; what cannot be read is said in the report.
- `run`: the same for a checkpoint that is open already.
- `CHECKS`: every check, an explicit tuple. One module each: its docstring is its page (what, why, example, what to do).
- `Check`, `Answer`: what a check is, and what it returns. It asks for its inputs by name (`inputs.py`).

A check answers pass, fail, skipped or error, with a reason for the last two. A check that crashes is an error in the
report, and the others still run. May import checkpoint, formats, tensors, report and errors.
"""

from weighbridge.checks.base import Answer, Check
from weighbridge.checks.registry import CHECKS
from weighbridge.checks.runner import check, run

__all__ = ["CHECKS", "Answer", "Check", "check", "run"]
