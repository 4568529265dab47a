"""A clock that jumps by years between any two looks: no file is lost, whatever runs, and collections end."""

import random
import time

import pytest

from weighbridge.store import GcOptions, Store
from weighbridge.tensors import BytesSource

YEAR = 365 * 86_400


@pytest.fixture
def wild_clock(monkeypatch):
    """Every look at the clock finds it up to ten years before or after what it was."""

    def start(seed):
        chance, real = random.Random(seed), time.time
        monkeypatch.setattr(time, "time", lambda: max(real() + chance.randint(-10 * YEAR, 10 * YEAR), 0.0))

    return start


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost_whatever_the_clock_says(folder, tmp_path, make, wild_clock, seed):
    chance = random.Random(seed)
    wild_clock(seed)
    kept = {}
    with Store.open(folder, create=True) as store:
        for step in range(12):
            name = f"file {step}"
            data = make.weights(30_000, step % 7).tobytes() + bytes([step])
            store.bind(name, store.add(BytesSource(data, name)).sha256)
            kept[name] = data
            if chance.random() < 0.3:
                gone = chance.choice(sorted(kept))
                store.remove(gone)
                del kept[gone]
            chance.choice([store.gc, store.repack, lambda _options: None])(GcOptions(grace=chance.choice([0, 60])))
        for name, data in kept.items():
            file = store.file(store.resolve(name))
            assert file.read_at(0, file.size) == data, name
        assert store.verify().damage == ()


def test_what_is_repaired_beside_a_wild_clock_is_whole(folder, tmp_path, make, wild_clock):
    data = make.weights(60_000, 3).tobytes()
    with Store.open(folder, create=True) as store, Store.open(tmp_path / "other", create=True) as other:
        digest = store.add(BytesSource(data)).sha256
        other.add(BytesSource(data))
        wild_clock(1)
        (pack,) = (folder / "packs").rglob("*.pack")
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 1
        pack.chmod(0o644)
        pack.write_bytes(content)
        found = store.verify()
        assert found.damage
        assert store.repair(other, found).damage == ()
        assert store.file(digest).read_at(0, len(data)) == data
