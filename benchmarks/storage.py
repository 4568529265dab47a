"""All that the store promises about size and speed, beside zipnn and zstd, in one run: a table, or JSON.

    python benchmarks/storage.py [--fetch] [--json FILE] [--peers PYTHON] [--cache FOLDER] [--family FOLDER]
                                 [--only sizes families speed ends] [--runs 5] [--scratch FOLDER] [--big]

sizes     real files of every dtype, made from models that PyPI packages carry (_files.py): packed / original of the
          whole file. "weighbridge" is what a store grew by, everything included; zipnn gets the tensors of the main
          dtype, and the rest of the file is charged as it is; zstd -3 gets the whole file.
families  fine-tunes beside their bases, made by _families.py into --family: bytes newly stored / size of the file.
speed     bf16 in memory, one process for each measurement, packers in turn; medians of --runs.
ends      `weigh pack` and `weigh unpack` as commands, with all threads, beside hashlib.sha256 over the same file, which
          lies in the page cache; the first byte of a range; with --big, peak memory on a file of 10 GB, made here
          (memory.py).

Files marked "tuning" are those that settings were chosen on: figures to quote are the "reporting" ones. Every unpacked
file is compared with the original. zipnn 0.5.4 needs torch: name an interpreter that has both with --peers. Sizes are
exact; speeds are of this machine, now, and only their ratios are worth keeping.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from _ends import end_to_end, first_byte
from _family_sizes import family_sizes
from _file_sizes import file_sizes
from _files import REPORTING, TUNING, Cache
from _speeds import speeds
from memory import peak_memory

BIG = 10_000_000_000
SECTIONS = ("sizes", "families", "speed", "ends")


def main() -> None:
    options = _options()
    cache = Cache(options.cache)
    if options.fetch:
        cache.fetch()
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        told = _measure(options, cache, Path(name))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _measure(options: argparse.Namespace, cache: Cache, scratch: Path) -> dict[str, object]:
    told: dict[str, object] = {"scratch": str(scratch), "runs": options.runs}
    if "sizes" in options.only:
        files = [*(() if options.reporting else TUNING), *REPORTING]
        told["sizes"] = _printed("sizes", file_sizes(files, cache, scratch, options.peers))
    if "families" in options.only:
        told["families"] = _printed("families", family_sizes(options.family, scratch, options.peers))
    if "speed" in options.only:
        told["speed"] = _printed("speed", speeds(cache, options.family, scratch, options.runs, options.peers))
    if "ends" in options.only:
        told["ends"] = _printed("ends", end_to_end(cache, scratch, options.runs))
        told["first_byte"] = _printed("first byte", first_byte(cache, scratch))
        if options.big:
            told["memory"] = _printed("memory", peak_memory(scratch, BIG))
    return told


def _printed(title: str, rows: list[object]) -> list[dict[str, object]]:
    """Rows as they come, under a line with their columns."""
    told: list[dict[str, object]] = []
    for row in rows:
        columns = asdict(row)  # type: ignore[call-overload]
        if not told:
            print(f"\n# {title}\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)
        print("| " + " | ".join(_cell(value) for value in columns.values()) + " |", flush=True)
        told.append(columns)
    return told


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fetch", action="store_true", help="download the packages that are missing (500 MB)")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "weighbridge-benchmarks")
    parser.add_argument("--family", type=Path, help="a folder that _families.py wrote; CACHE/family if not given")
    parser.add_argument("--scratch", type=Path, help="where stores are made; say a tmpfs to leave the disk out")
    parser.add_argument("--peers", default=sys.executable, help="a Python that can import zipnn")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--reporting", action="store_true", help="leave out the files that settings were chosen on")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--big", action="store_true", help="also pack a file of 10 GB, made for it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here too")
    options = parser.parse_args()
    options.family = options.family or options.cache / "family"
    return options


if __name__ == "__main__":
    main()
