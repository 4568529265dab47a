"""Whatever fails or is mixed up on the way, an upload can be done again and gives the right bytes."""

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.errors import StorageFullError
from weighbridge.wire.xet import shard

PIECES = [hashlib.shake_256(bytes([number])).digest(1000) for number in range(8)]
FILES = st.builds(
    lambda numbers, tail: b"".join(PIECES[number] for number in numbers) + tail,
    st.lists(st.integers(0, 7), min_size=1, max_size=12),
    st.sampled_from([b"", b"tail", PIECES[0][:500]]),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(FILES, min_size=1, max_size=3), min_size=1, max_size=3), st.booleans())
def test_files_that_share_chunks_in_any_way_come_back_the_same(bench, client, shards, forget):
    alice = client("alice")
    for files in shards:
        if forget:
            alice.known.clear()
        alice.upload(*files)
    for files in shards:
        for data in files:
            assert bench.content(data) == data
    assert bench.raw_xorbs() == []


@pytest.mark.parametrize("step", ["_ledger.add_file", "_gate.grant", "_pool.drop", "_objects.receive"])
@pytest.mark.parametrize("error", [StorageFullError("full"), KeyboardInterrupt()], ids=["full", "killed"])
def test_a_step_that_fails_leaves_an_upload_that_can_be_done_again(bench, client, monkeypatch, step, error):
    alice = client("alice")
    data = hashlib.shake_256(step.encode()).digest(3000)
    alice.send_xorb([data[:1000], data[1000:2000], data[2000:]])
    body = shard.serialise([alice.describe(data)])

    def fail(*_args, **_options):
        raise error

    part, name = step.split(".")
    with monkeypatch.context() as patch:
        patch.setattr(getattr(bench.xet, part), name, fail)
        with pytest.raises(type(error)):
            alice.register(body)
    assert not bench.may_refer("alice", data)
    alice.register(body)
    assert bench.may_refer("alice", data)
    assert bench.content(data) == data


def test_a_xorb_that_was_admitted_but_not_recorded_is_taken_again(bench, client, monkeypatch):
    alice = client("alice")

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bench.xet._ledger, "add_xorb", die)
        with pytest.raises(KeyboardInterrupt):
            alice.send_xorb([PIECES[0]])
    assert alice.send_xorb([PIECES[0]])[1] is True
    alice.upload(PIECES[0])
    assert bench.content(PIECES[0]) == PIECES[0]
