"""Detection and false alarms on a folder of labelled samples, ours and the peers', by class.

    python benchmarks/scanning.py --samples MANIFEST [--peers FOLDER] [--json FILE] [--misses]

MANIFEST is JSON: ``{"samples": [{"path", "kind": "malicious" | "benign", "class", "tier"}, …]}``, paths relative to it.
A malicious sample counts as detected where the scanner says dangerous; one of tier ``crafted`` also where it says that
it cannot read it. Samples of other tiers than core and crafted are not counted. FOLDER holds an environment a peer
(``FOLDER/picklescan/bin/python`` …, see `make bench-scan`); a peer's verdict is its exit status. Nothing is loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

COUNTED = ("core", "crafted")
OURS = "weighbridge"
VERDICTS = {0: "clean", 1: "dangerous"}  # all other statuses: error


@dataclass(frozen=True)
class Peer:
    """Where its command line begins, and the arguments that precede the path."""

    module: str
    function: str
    arguments: tuple[str, ...]


PEERS = {
    "picklescan": Peer("picklescan.cli", "main", ("-p",)),
    "modelscan": Peer("modelscan.cli", "main", ("-p",)),
    "fickling": Peer("fickling.__main__", "main", ("--check-safety",)),
    "modelaudit": Peer("modelaudit.cli", "main", ("scan",)),
    "hayward": Peer("hayward.cli", "main", ("scan",)),
}

# Runs in the peer's environment: imports its command once, then forks for each path, so that none sees another's state.
DRIVER = """
import importlib, json, os, signal, sys
module, function, *arguments = sys.argv[1:]
main = getattr(importlib.import_module(module), function)
for path in json.load(sys.stdin):
    pid = os.fork()
    if pid == 0:
        signal.alarm(120)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        sys.argv = [module, *arguments, path]
        try:
            status = main() or 0
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        except BaseException:
            status = 99
        os._exit(status)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def ours(paths: list[str]) -> list[str]:
    """Our own verdict a path: the worst of its files, danger first."""
    found = []
    for path in paths:
        command = [sys.executable, "-m", "weighbridge", "scan", "--format", "tsv", path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found.append(VERDICTS.get(done.returncode, "error"))
    return found


def theirs(peer: Peer, python: Path, paths: list[str]) -> list[str]:
    command = [str(python), "-c", DRIVER, peer.module, peer.function, *peer.arguments]
    quiet = {
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "NO_ANALYTICS": "1",
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
    }
    done = subprocess.run(command, input=json.dumps(paths), capture_output=True, text=True, env=quiet, check=False)
    statuses = [int(line) for line in done.stdout.splitlines() if line.lstrip("-").isdigit()]
    if len(statuses) != len(paths):
        raise SystemExit(f"{peer.module}: {len(statuses)} verdicts for {len(paths)} paths: {done.stderr[-500:]}")
    return [VERDICTS.get(status, "error") for status in statuses]


def right(sample: dict, verdict: str) -> bool:
    if sample["kind"] == "benign":
        return verdict == "clean"
    return verdict == "dangerous" or (sample["tier"] == "crafted" and verdict == "error")


def table(samples: list[dict], verdicts: dict[str, list[str]]) -> str:
    rows: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for place, sample in enumerate(samples):
        if sample["tier"] not in COUNTED:
            continue
        for row in (rows[sample["kind"], sample["class"]], totals[sample["kind"]]):
            row["samples"] += 1
            for name, found in verdicts.items():
                row[name] += right(sample, found[place])
    lines = [f"{'class':34} {'samples':>7} " + " ".join(f"{name:>11}" for name in verdicts)]
    for (kind, cls), row in [
        *sorted(rows.items()),
        *(((kind, "in total"), row) for kind, row in sorted(totals.items())),
    ]:
        shares = " ".join(f"{row[name] / row['samples']:>10.1%} " for name in verdicts)
        lines.append(f"{kind + ' ' + cls:34} {row['samples']:>7} {shares}")
    lines.append("benign: share called clean. malicious: share called dangerous (crafted: or refused).")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--misses", action="store_true", help="name what was wrong, ours only")
    asked = parser.parse_args()
    samples = json.loads(asked.samples.read_text())["samples"]
    paths = [str(asked.samples.parent / sample["path"]) for sample in samples]
    verdicts = {OURS: ours(paths)}
    for name, peer in PEERS.items() if asked.peers else ():
        python = asked.peers / name / "bin" / "python"
        if python.exists():
            verdicts[name] = theirs(peer, python, paths)
        else:
            print(f"left out: {name}: there is no {python}")
    print(table(samples, verdicts))
    for sample, verdict in zip(samples, verdicts[OURS], strict=True):
        if asked.misses and not right(sample, verdict):
            print(f"{verdict}: {sample['path']} ({sample['kind']}, {sample['tier']}) {sample.get('note', '')}")
    if asked.json:
        told = [
            {**sample, "verdicts": {name: found[place] for name, found in verdicts.items()}}
            for place, sample in enumerate(samples)
        ]
        asked.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
