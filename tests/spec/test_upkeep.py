"""Marks and holds: the decoder under spec/ and weighbridge make the same of all of them."""

from __future__ import annotations

import base64
import json
import shutil

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.store import _holds, _keys, _marks

from .test_decoder import SPEC, command, mutated, ours, theirs, upkeep

VECTORS = SPEC / "vectors" / "v1-upkeep"
DIGESTS = st.binary(min_size=32, max_size=32)
SECONDS = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("case", json.loads((VECTORS / "objects.json").read_text("utf-8")))
def test_every_golden_mark_and_hold_says_what_it_should(case):
    sealed = base64.b64decode(case["sealed"])
    if case["kind"] == "mark":
        assert upkeep.mark(sealed, case["key"]) == upkeep.Mark(bytes.fromhex(case["key"]), case["seconds"])
    else:
        assert [block.hex() for block in upkeep.hold(sealed, case["key"]).blocks] == case["blocks"]


@given(pack=DIGESTS, seconds=SECONDS)
def test_the_decoder_reads_the_marks_that_weighbridge_writes(pack, seconds):
    key = _keys.mark_key(pack.hex())
    assert upkeep.mark(_marks.encode(pack.hex(), seconds), key) == upkeep.Mark(pack, seconds)


@given(blocks=st.lists(DIGESTS, max_size=5))
def test_the_decoder_reads_the_holds_that_weighbridge_writes(blocks):
    name, sealed = _holds.encode(blocks)
    assert upkeep.hold(sealed, _keys.hold_key(name)).blocks == blocks


def _resealed(data, content):
    """Changed bytes under a check that is mostly right."""
    content = data.draw(mutated(content))
    return content + data.draw(st.sampled_from([blake3(content).digest()] * 5 + [bytes(32)]))


@given(data=st.data(), pack=DIGESTS, seconds=SECONDS)
def test_of_a_changed_mark_both_make_the_same(data, pack, seconds):
    sealed = _resealed(data, _marks.encode(pack.hex(), seconds)[:-32])
    found = ours(upkeep.mark, sealed, _keys.mark_key(pack.hex()))
    assert getattr(found, "seconds", found) == theirs(_marks.decode, sealed, pack.hex())


@given(data=st.data(), blocks=st.lists(DIGESTS, max_size=5))
def test_of_a_changed_hold_both_make_the_same(data, blocks):
    sealed = _resealed(data, _holds.encode(blocks)[1][:-32])
    name = data.draw(st.sampled_from([sealed[-32:].hex()] * 4 + [bytes(32).hex()]))
    found = ours(upkeep.hold, sealed, _keys.hold_key(name))
    assert (found if isinstance(found, str) else set(found.blocks)) == theirs(_holds.decode, sealed, name)


def test_the_command_lists_them_and_names_what_is_damaged(tmp_path):
    store = tmp_path / "store"
    shutil.copytree(VECTORS / "store", store)
    (mark,), (hold,) = ([*(store / kind).rglob("*/*")] for kind in ("condemned", "holds"))
    listed = command(store)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert f"mark  {mark.name}  at 1700000000\n" in listed.stdout
    assert f"hold  {hold.name}  1 blocks\n" in listed.stdout
    for path in (mark, hold):
        path.write_bytes(path.read_bytes()[:-1])
    refused = command(store)
    assert refused.returncode == 1
    assert all(
        f"{path.parent.parent.name}/{path.name[:2]}/{path.name}, byte " in refused.stderr for path in (mark, hold)
    )
