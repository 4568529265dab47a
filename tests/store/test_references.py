"""Blocks that are coded against others: packs of version 2, and how they are read, checked and refused."""

from __future__ import annotations

import numpy as np
import pytest
from blake3 import blake3

from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store import Store, codecs
from weighbridge.store.backends.local import LocalBackend
from weighbridge.store.manifests import Manifest, Region
from weighbridge.store.packs import MAX_REFERENCES, PackBuilder, Payload, pack_key, read_footer
from weighbridge.store.values import BlockRef


class Xor:
    """A delta codec that tests can follow by hand: the block is the exclusive or of payload and references."""

    id, version, name = 200, 1, "xor"

    def decode(self, payload, raw_length, references):
        block = np.frombuffer(payload, np.uint8)
        for reference in references:
            block = block ^ np.frombuffer(reference, np.uint8)
        return block.tobytes()[:raw_length]


@pytest.fixture(autouse=True)
def xor(monkeypatch):
    monkeypatch.setitem(codecs._DELTAS_BY_ID, (Xor.id, Xor.version), Xor())


def noise(seed, size=5000):
    return np.random.default_rng(seed).bytes(size)


def plain(raw):
    return Payload(blake3(raw).digest(), blake3(raw).digest()[:8], len(raw), 0, 1, raw)


def delta(raw, *bases):
    data = Xor().decode(raw, len(raw), bases)
    references = tuple(blake3(base).digest() for base in bases)
    return Payload(blake3(raw).digest(), blake3(data).digest()[:8], len(raw), Xor.id, 1, data, references)


def write(folder, *payloads):
    """Put a pack into a store; its key."""
    builder = PackBuilder()
    for payload in payloads:
        builder.add(payload)
    pack, parts, _ = builder.finish()
    assert builder.nbytes <= sum(map(len, parts)) <= builder.nbytes + 4
    LocalBackend(folder).put(pack_key(pack), parts)
    return pack


def name(store, raw, make):
    """Let a manifest name a block, as a file of one region, and return the file."""
    region = Region(0, len(raw), "U8", (BlockRef(blake3(raw).digest(), len(raw)),))
    manifest = Manifest(make.sha256(raw), len(raw), (region,))
    store._backend.put(f"files/{manifest.sha256[:2]}/{manifest.sha256}", [manifest.encode()])
    return store.file(manifest.sha256)


def test_a_block_is_read_with_the_blocks_it_refers_to(folder, make):
    one, two, three = noise(1), noise(2), noise(3)
    with Store.open(folder, create=True) as store:
        write(folder, plain(one), delta(three, one, two))
        write(folder, plain(two))
        assert name(store, three, make).read_at(0, len(three)) == three
        assert store.verify().ok


def test_packs_without_references_are_what_they_were(folder):
    Store.open(folder, create=True).close()
    old, new = write(folder, plain(noise(1))), write(folder, plain(noise(2)), delta(noise(3), noise(1)))
    assert (folder / pack_key(old)).read_bytes()[:8] == b"WBPACK\1\0"
    assert (folder / pack_key(new)).read_bytes()[:8] == b"WBPACK\2\0"
    backend = LocalBackend(folder)
    entries = read_footer(backend, new, (folder / pack_key(new)).stat().st_size)
    assert [entry.references for entry in entries] == [(), (blake3(noise(1)).digest(),)]


def test_the_index_remembers_references_and_can_be_lost(folder, make):
    one, two = noise(1), noise(2)
    with Store.open(folder, create=True) as store:
        write(folder, plain(one), delta(two, one))
        sha256 = name(store, two, make).sha256
    with Store.open(folder) as store:
        assert store.file(sha256).read_at(7, 70) == two[7:77]
    (folder / "index" / "blocks.sqlite").unlink()
    with Store.open(folder) as store:
        assert store.file(sha256).read_at(7, 70) == two[7:77]


def test_a_chain_is_refused(folder, make):
    one, two, three = noise(1), noise(2), noise(3)
    with Store.open(folder, create=True) as store:
        write(folder, plain(one), delta(two, one), delta(three, two))
        file = name(store, three, make)
        with pytest.raises(CorruptError, match="a chain that no writer makes"):
            file.read_at(0, 10)
        assert [blake3(three).hexdigest()] == [damage.block for damage in store.verify().damage]


def test_a_plain_copy_is_read_where_there_is_one(folder, make):
    one, two = noise(1), noise(2)
    with Store.open(folder, create=True) as store:
        write(folder, delta(two, one))  # whose base is missing
        write(folder, plain(two))
        assert name(store, two, make).read_at(0, len(two)) == two


def test_a_missing_or_damaged_base_is_named_and_nothing_is_served(folder, make):
    one, two = noise(1), noise(2)
    with Store.open(folder, create=True) as store:
        based = write(folder, plain(one))
        write(folder, delta(two, one))
        file = name(store, two, make)
        path = folder / pack_key(based)
        data = bytearray(path.read_bytes())
        data[100] ^= 1
        path.write_bytes(data)
        with pytest.raises(CorruptError, match=blake3(one).hexdigest()):
            file.read_at(0, 10)
        hurt = {damage.block: [use.sha256 for use in damage.files] for damage in store.verify().damage}
        assert hurt == {blake3(one).hexdigest(): [], blake3(two).hexdigest(): [file.sha256]}
        path.unlink()
    with Store.open(folder) as store, pytest.raises(CorruptError, match=f"no readable pack.*{blake3(one).hexdigest()}"):
        store.file(file.sha256).read_at(0, 10)


@pytest.mark.parametrize("payload", [plain(noise(1)), delta(noise(2), noise(1))])
def test_a_payload_with_references_that_its_codec_does_not_take_is_damage(payload):
    references = () if payload.references else (noise(1),)
    with pytest.raises(CorruptError, match="makes no sense"):
        codecs.decode(payload.codec, payload.version, payload.data, payload.raw, references)


def forged(folder, change):
    """A pack of a block and a delta whose footer was changed before it was sealed."""
    builder = PackBuilder()
    builder.add(plain(noise(1)))
    builder.add(delta(noise(2), noise(1)))
    version, footer = builder._footer()
    changed = bytearray(footer)
    version = change(changed) or version
    head, covered = b"WBPACK" + version.to_bytes(2, "little"), bytes(changed) + len(changed).to_bytes(8, "little")
    check = blake3(head + covered)
    parts = [head, *(payload.data for payload in builder._payloads), covered, check.digest()]
    LocalBackend(folder).put(pack_key(check.hexdigest()), parts)
    return check.hexdigest(), sum(map(len, parts))


COUNT, FIRST = slice(4 + 32 + 56 + 50, 4 + 32 + 56 + 52), slice(4 + 32 + 56 + 52, 4 + 32 + 56 + 56)


def put(where, value):
    def change(footer):
        footer[where] = value.to_bytes(where.stop - where.start, "little")

    return change


def own_digest(footer):
    footer[4:36] = blake3(noise(2)).digest()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (put(COUNT, 2), CorruptError, "impossible references"),
        (put(COUNT, MAX_REFERENCES + 1), CorruptError, "impossible references"),
        (put(FIRST, 1), CorruptError, "impossible references"),
        (put(COUNT, 0), None, ""),
        (own_digest, CorruptError, "impossible references"),
        (put(slice(0, 4), 2), CorruptError, "whole number"),
        (put(slice(0, 4), 2**32 - 1), CorruptError, "ends within its references"),
        (lambda footer: footer.clear() or 2, CorruptError, "ends within its references"),
        (lambda footer: footer.__delitem__(slice(0, 36)) or 1, StoreVersionError, "flags 0x1"),
        (lambda footer: 3, StoreVersionError, "version 3 of WBPACK"),
    ],
)
def test_footers_that_no_writer_makes_are_refused(folder, change, error, message):
    Store.open(folder, create=True).close()
    pack, size = forged(folder, change)
    if error is None:
        assert read_footer(LocalBackend(folder), pack, size)[1].references == ()
        return
    with pytest.raises(error, match=message):
        read_footer(LocalBackend(folder), pack, size)
