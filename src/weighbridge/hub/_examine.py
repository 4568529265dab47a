"""A process that examines one revision: ``python -m weighbridge.hub._examine DATA NAME``.

Reads lines of ``sha256 path`` from stdin and writes the report as JSON to stdout; nothing where the files hold no
weights and nothing that speaks against them. It opens the hub's content only to read, and may be killed at any moment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.checks import run
from weighbridge.errors import WeighbridgeError
from weighbridge.hub.objects import Objects
from weighbridge.hub.placing import store_location
from weighbridge.report import to_json
from weighbridge.store import Store

POLITENESS = 10
_WITHOUT_WEIGHTS = ("safety.remote-code", "safety.files")


def main(data: Path, name: str, lines: list[str]) -> str:
    """The report as JSON, "" where there are neither weights nor findings."""
    with Store.open(store_location(data), threads=1) as store:
        objects = Objects(store, data / "staging")
        named = (line.split(" ", 1) for line in lines)
        files = {path: objects.open(sha256, path) for sha256, path in named}
        with open_checkpoint(files, allow_unsafe=True, allow_empty=True, name=name) as checkpoint:
            if checkpoint.files or checkpoint.broken:
                return to_json(run(checkpoint))
            report = run(checkpoint, only=_WITHOUT_WEIGHTS)
            return to_json(report) if report.exit_status or report.findings else ""


if __name__ == "__main__":
    os.nice(POLITENESS)  # requests come first
    try:
        sys.stdout.write(main(Path(sys.argv[1]), sys.argv[2], sys.stdin.read().splitlines()))
    except WeighbridgeError as failure:
        sys.exit(str(failure))
