"""Connections that break and servers that refuse: jobs go through, or fail clearly, and go on where they stopped."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest

from weighbridge.errors import CorruptError, StoreError, StoreUnavailableError
from weighbridge.store import Store, _pack_writer
from weighbridge.store.backends import s3 as s3_backend
from weighbridge.tensors import BytesSource

from .proxy import Answer, Cut, Delay, Lose, Mark, Refuse

SLOW_DOWN = Answer(503, "SlowDown")
INTERNAL = Answer(500, "InternalError")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Waits that suit a test, and packs of several parts without being large."""
    monkeypatch.setattr(s3_backend, "PAUSE_SECONDS", 0.01)
    backoff = {"init_backoff": timedelta(milliseconds=5), "max_backoff": timedelta(milliseconds=50), "base": 2}
    monkeypatch.setattr(
        s3_backend, "RETRIES", {"max_retries": 4, "backoff": backoff, "retry_timeout": timedelta(seconds=20)}
    )
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 1_500_000)
    monkeypatch.setattr(s3_backend, "PART_BYTES", 400_000)


@pytest.fixture
def weights(make):
    """A file of five blocks, which takes two or three packs."""
    return make.safetensors({"a": make.weights(1_500_000, 1), "b": make.weights(900_000, 2)})


def ranges_as_s3_does(rule):
    """The rule, and 206 for the ranges that it lets pass."""
    return lambda request: rule(request) or Mark()


def read(store, stored):
    return b"".join(store.file(stored.sha256).iter_range())


def every(nth, fault, method=""):
    """The fault for every nth request that may fail, but never the one that tries it again at once."""
    count = [0]
    lock = threading.Lock()

    def rule(request):
        if method and request.method != method:
            return None
        with lock:
            count[0] += 1
            return fault if count[0] % nth == 0 else None

    return rule


FAULTS = [SLOW_DOWN, INTERNAL, Refuse(), Lose(), Cut(0), Cut(1000), Delay(0.05)]


@pytest.mark.parametrize(
    ("fault", "marked"), [*((fault, False) for fault in FAULTS), (SLOW_DOWN, True), (Cut(1000), True)]
)
def test_passing_faults_are_not_seen(s3, proxy, weights, fault, marked):
    rule = every(3, fault)
    proxy.rule = ranges_as_s3_does(rule) if marked else rule
    with Store.open(s3, create=True) as store:
        stored = store.add(BytesSource(weights))
        store.bind("w", stored.sha256)
    with Store.open(s3) as store:
        assert read(store, stored) == weights
        assert store.file(store.resolve("w")).read_at(4_000_000, 1000) == weights[4_000_000:4_001_000]
        assert store.verify().ok


@pytest.mark.parametrize("seed", range(2))
def test_faults_of_all_kinds_at_random_lose_nothing(s3, proxy, weights, seed):
    rng = random.Random(seed)
    proxy.rule = lambda _request: rng.choice(FAULTS) if rng.random() < 0.15 else Mark()
    with Store.open(s3, create=True) as store:
        stored = store.add(BytesSource(weights))
        assert read(store, stored) == weights
        assert store.verify().ok


def test_a_server_that_stays_away_is_told_and_packing_goes_on_where_it_stopped(s3, proxy, make, monkeypatch):
    contents = [make.weights(400_000, seed).tobytes() for seed in range(4)]
    with Store.open(s3, create=True) as store:
        store.add(BytesSource(contents[0]))
        whole = proxy.bytes_sent()
        packs = set()

        def rule(request):
            if request.is_payload and request.method in ("PUT", "POST"):
                packs.add(request.path.partition("?")[0])
            return SLOW_DOWN if len(packs) > 1 else None

        proxy.rule = rule
        with pytest.raises(StoreUnavailableError, match="slow down") as told:
            store.add_many(BytesSource(content) for content in contents[1:])
        assert "Run the same command again" in told.value.hint
        proxy.rule = lambda _request: None
        assert store.verify().ok
        assert store.stat().files == 1
    with Store.open(s3) as store:
        proxy.forget()
        stored = store.add_many(BytesSource(content) for content in contents)
        assert proxy.bytes_sent() < 2.2 * whole  # one of the three was stored before the server went away
        assert [read(store, one) for one in stored] == contents
        assert store.verify().ok


def test_what_is_stored_is_not_sent_again(s3, proxy, weights):
    with Store.open(s3, create=True) as store:
        store.add(BytesSource(weights))
        proxy.forget()
        assert store.add(BytesSource(weights)).new_bytes == 0
        assert proxy.bytes_sent() < 1000


def test_a_lost_connection_is_never_taken_for_damage(s3, proxy, weights):
    with Store.open(s3, create=True) as store:
        stored = store.add(BytesSource(weights))
        store.bind("w", stored.sha256)
        for asked in (
            lambda: store.verify(),
            lambda: read(store, stored),
            lambda: store.stat(),
            lambda: store.resolve("w"),
            lambda: store.has(stored.sha256),
            lambda: store.bind("x", stored.sha256),
            lambda: store.add(BytesSource(b"new")),
        ):
            proxy.rule = lambda _request: Refuse()
            with pytest.raises(StoreUnavailableError) as told:
                asked()
            assert not isinstance(told.value, StoreError)
        proxy.rule = lambda _request: None
        assert store.verify().ok


def test_an_index_is_not_lost_over_a_lost_connection(s3, proxy, weights, tmp_path):
    with Store.open(s3, create=True) as store:
        stored = store.add(BytesSource(weights))
    for index in (tmp_path / "cache").rglob("blocks.sqlite"):
        index.unlink()
    proxy.rule = lambda request: Refuse() if request.is_payload else None
    with pytest.raises(StoreUnavailableError):
        Store.open(s3).close()
    proxy.rule = lambda _request: None
    with Store.open(s3) as store:
        assert read(store, stored) == weights


def test_a_body_cut_short_by_a_lying_length_is_never_served(s3, proxy, weights):
    """A server that gives fewer bytes than it says the range has."""
    with Store.open(s3, create=True) as store:
        stored = store.add(BytesSource(weights))
        proxy.rule = lambda request: Cut(100) if request.range and request.is_payload else None
        with pytest.raises((StoreUnavailableError, CorruptError)):
            read(store, stored)
