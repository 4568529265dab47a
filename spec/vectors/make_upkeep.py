"""Make the golden vectors of marks and holds, once.

    python spec/vectors/make_upkeep.py FOLDER

writes FOLDER/store (a file that is kept, a condemned pack that nothing needs, and one whose block only a hold names),
FOLDER/files.json (names, SHA-256, sizes), FOLDER/objects.json (marks and holds, and what they say) and FOLDER/bad.json
(those that a reader must refuse). good.json, for payloads, is empty.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sys
from pathlib import Path

from blake3 import blake3

from weighbridge.store import Store, _holds, _keys, _marks
from weighbridge.store.backends import connect
from weighbridge.tensors import BytesSource

WRITTEN = 1_700_000_000  # 2023-11-14 22:13:20 UTC


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    kept = b"".join(b"%d is kept\n" % number for number in range(4_000))
    _make_store(folder / "store", kept)
    told = {"kept.txt": {"sha256": hashlib.sha256(kept).hexdigest(), "size": len(kept)}}
    for name, content in (("files", told), ("good", []), ("objects", _objects()), ("bad", _bad())):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _make_store(folder: Path, kept: bytes) -> None:
    with Store.open(folder, create=True) as store:
        store.bind("kept.txt", store.add(BytesSource(kept)).sha256)
        condemned = _added(store, folder, b"nobody needs this any more. " * 2_000)
        held = _added(store, folder, b"a writer relies on this. " * 2_000)
    backend = connect(str(folder))
    _marks.put(backend, condemned[0], WRITTEN)
    name, sealed = _holds.encode(held[1])
    backend.put(_keys.hold_key(name), [sealed])
    for cache in ("index", "tmp"):
        shutil.rmtree(folder / cache, ignore_errors=True)


def _added(store: Store, folder: Path, data: bytes) -> tuple[str, list[bytes]]:
    """The new pack and the blocks of a file without a manifest."""
    before = set((folder / "packs").rglob("*.pack"))
    sha256 = store.add(BytesSource(data)).sha256
    blocks = [block.digest for block in store.manifest(sha256).blocks]
    store.remove_file(sha256)
    (pack,) = set((folder / "packs").rglob("*.pack")) - before
    return pack.stem, blocks


def _objects() -> list[dict[str, object]]:
    pack, blocks = bytes(range(32)), [bytes([number]) * 32 for number in range(3)]
    marks = [
        {"kind": "mark", "key": pack.hex(), "sealed": _text(_marks.encode(pack.hex(), seconds)), "seconds": seconds}
        for seconds in (0, WRITTEN, 2**64 - 1)
    ]
    holds = []
    for some in ([], blocks[:1], blocks):
        name, sealed = _holds.encode(some)
        holds.append({"kind": "hold", "key": name, "sealed": _text(sealed), "blocks": [one.hex() for one in some]})
    return [*marks, *holds]


def _bad() -> list[dict[str, object]]:
    pack = bytes(range(32))
    mark = _marks.encode(pack.hex(), WRITTEN)[:-32]
    hold = b"WBHOLD\x01\x00" + bytes(16) + (2).to_bytes(4, "little") + bytes(64)
    bad = []
    for kind, content, error, why in (
        ("mark", mark[:-1], "corrupt", "cut short"),
        ("mark", mark + b"\0", "corrupt", "a byte too many"),
        ("mark", mark[:8] + bytes(32) + mark[40:], "corrupt", "of another pack"),
        ("mark", b"WBMASK" + mark[6:], "corrupt", "another magic"),
        ("mark", mark[:6] + b"\x02\0" + mark[8:], "version", "version 2"),
        ("mark", mark[:6] + b"\0\0" + mark[8:], "version", "version 0"),
        ("hold", hold[:-1], "corrupt", "half a block"),
        ("hold", hold[:-32], "corrupt", "fewer blocks than told"),
        ("hold", hold + bytes(32), "corrupt", "more blocks than told"),
        ("hold", hold[:20], "corrupt", "no room for its head"),
        ("hold", hold[:24] + b"\xff\xff\xff\xff" + hold[28:], "corrupt", "2³² - 1 blocks"),
        ("hold", b"WBMARK" + hold[6:], "corrupt", "a mark's magic"),
        ("hold", hold[:6] + b"\x02\0" + hold[8:], "version", "version 2"),
    ):
        check = blake3(content).digest()
        key = pack.hex() if kind == "mark" else check.hex()
        bad.append(
            {"kind": kind, "key": key, "sealed": _text(content + check), "error": error, "why": f"{kind}: {why}"}
        )
    for kind, content, key in (("mark", mark, pack.hex()), ("hold", hold, blake3(hold).hexdigest())):
        wrong = content + bytes(32)
        told = {"kind": kind, "key": key, "sealed": _text(wrong), "error": "corrupt", "why": f"{kind}: a wrong check"}
        bad.append(told)
    sealed = hold + blake3(hold).digest()
    other = {"kind": "hold", "key": bytes(32).hex(), "sealed": _text(sealed), "error": "corrupt"}
    return [*bad, {**other, "why": "hold: under another key"}]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
