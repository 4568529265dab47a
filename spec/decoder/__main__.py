"""A second decoder of the store, written from spec/store.md and spec/codecs.md alone.

    python spec/decoder STORE                    list names, files, marks and holds
    python spec/decoder STORE NAME --out FILE    write the file of that name, or of that SHA-256, to FILE

It is there to be read, and to show that the text says enough: it shares no code with weighbridge and needs only blake3
and zstandard. What the text forbids is refused with the byte and the rule; the exit status is then 1.
"""

import argparse
import re
import sys
from pathlib import Path

from folder import Store
from refusal import MissingError, RefusedError


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="decoder", description="Read a Weighbridge store.")
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a name in the store, or the SHA-256 of a file")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the file")
    chosen = parser.parse_args(arguments)
    if (chosen.name is None) != (chosen.out is None):
        parser.error("NAME and --out FILE go together")
    try:
        store = Store(chosen.store)
        if chosen.name is None:
            return _list(store)
        _write(store, chosen.name, chosen.out)
    except (MissingError, OSError, RefusedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _list(store: Store) -> int:
    """Print names, files, marks, holds and strays; return 1 if an object was refused."""
    refused = list(store.damaged_packs)
    for key in store.names():
        try:
            binding = store.binding(key)
            sys.stdout.write(f"name  {binding.sha256.hex()}  {binding.name!r}\n")
        except RefusedError as error:
            refused.append(error)
    for key in store.files():
        try:
            manifest = store.manifest(key[-64:])
            sys.stdout.write(f"file  {manifest.sha256.hex()}  {manifest.size} bytes\n")
        except RefusedError as error:
            refused.append(error)
    for key in store.keys["mark"]:
        try:
            mark = store.mark(key)
            sys.stdout.write(f"mark  {mark.pack.hex()}  at {mark.seconds}\n")
        except RefusedError as error:
            refused.append(error)
    for key in store.keys["hold"]:
        try:
            sys.stdout.write(f"hold  {key[-64:]}  {len(store.hold(key).blocks)} blocks\n")
        except RefusedError as error:
            refused.append(error)
    sys.stdout.writelines(f"stray {key!r}\n" for key in store.keys["stray"])
    sys.stderr.writelines(f"{error}\n" for error in refused)
    return 1 if refused else 0


def _write(store: Store, name: str, out: Path) -> None:
    """Write a file under a temporary name, and give it its own once its SHA-256 was found right."""
    is_file = re.fullmatch("[0-9a-f]{64}", name) and f"files/{name[:2]}/{name}" in store.files()
    sha256 = name if is_file else store.find(name)
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("xb") as file:
            file.writelines(store.content(sha256))
        part.replace(out)
    except (MissingError, RefusedError):
        part.unlink()
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
