"""How many requests things take, and how many are on their way at once."""

from __future__ import annotations

from collections import Counter

import pytest

from weighbridge.store import Store, _pack_writer
from weighbridge.tensors import BytesSource

from .proxy import Mark


@pytest.fixture
def filled(s3, proxy, make, monkeypatch):
    """A store of several packs, each of about a block; its file and the file's bytes."""
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 1_500_000)
    data = make.safetensors({"a": make.weights(6_000_000)})
    with Store.open(s3, create=True) as store:
        stored = store.add(BytesSource(data))
    proxy.rule = lambda _request: Mark()
    proxy.forget()
    return stored, data


def methods(proxy):
    return Counter(request.method for request in proxy.seen)


def test_opening_and_the_first_byte_of_a_range_take_few_requests(s3, proxy, filled):
    stored, data = filled
    with Store.open(s3) as store:
        assert methods(proxy) == {"GET": 3}  # the configuration, and two listings: packs, marks
        proxy.forget()
        assert store.file(stored.sha256).read_at(10_000_000, 100) == data[10_000_000:10_000_100]
        assert methods(proxy) == {"GET": 2}  # the manifest, the payload


def test_a_lost_index_costs_two_requests_a_pack_side_by_side(s3, proxy, filled, tmp_path):
    for index in (tmp_path / "cache").rglob("blocks.sqlite"):
        index.unlink()
    proxy.rule = lambda request: Mark(0.1 if request.is_payload else 0)
    with Store.open(s3) as store:
        packs = store.stat().packs
    footers = [request for request in proxy.seen if request.is_payload and request.range]
    assert packs > 5
    assert len(footers) <= 2 * packs
    assert proxy.most_gets_at_once > 3


def test_only_footers_of_packs_that_were_not_seen_are_read(s3, proxy, filled, make):
    with Store.open(s3) as store:
        store.add(BytesSource(make.weights(50_000, 7).tobytes()))
        proxy.forget()
    with Store.open(s3):
        assert not any(request.is_payload for request in proxy.seen)


def test_unpacking_fetches_several_blocks_at_once(s3, proxy, filled, tmp_path):
    stored, data = filled
    proxy.rule = lambda request: Mark(0.1 if request.is_payload else 0)
    with Store.open(s3, threads=2) as store:
        proxy.forget()
        store.file(stored.sha256).save(tmp_path / "saved")
        assert (tmp_path / "saved").read_bytes() == data
        assert proxy.most_gets_at_once > 3
        proxy.forget()
        assert b"".join(store.file(stored.sha256).iter_range(1)) == data[1:]
        assert proxy.most_gets_at_once > 3
