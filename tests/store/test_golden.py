"""A store written by version 1 opens for ever; what no writer of version 1 wrote is refused for ever."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store import GcOptions, Store, _bindings, _holds, _marks, codecs
from weighbridge.store._sketch import sketch
from weighbridge.store.manifests import Manifest

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"
VERSIONS = sorted(path.name for path in VECTORS.iterdir() if path.is_dir())
ERRORS = {"corrupt": CorruptError, "version": StoreVersionError}


def load(version, name):
    return json.loads((VECTORS / version / f"{name}.json").read_text("utf-8"))


def cases(name):
    return [
        pytest.param(case, id=f"{version}: {case.get('why', number)}")
        for version in VERSIONS
        for number, case in enumerate(load(version, name))
    ]


def references(case):
    return [base64.b64decode(reference) for reference in case.get("references", [])]


def test_there_are_vectors():
    assert VERSIONS == [
        "v1",
        "v1-floats",
        "v1-upkeep",
        "v2-delta",
        "v2-family",
        "v2-manifests",
        "v2-quantised",
        "v2-states",
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_every_version_opens_and_gives_its_files_back(version, tmp_path):
    shutil.copytree(VECTORS / version / "store", tmp_path / "store")
    expected = load(version, "files")
    with Store.open(tmp_path / "store") as store:
        assert store.verify().ok
        assert set(store.names()) == set(expected)
        for name, told in expected.items():
            file = store.file(store.resolve(name))
            content = b"".join(file.iter_range())
            assert (len(content), hashlib.sha256(content).hexdigest()) == (told["size"], told["sha256"])
            assert file.read_at(file.size // 3, file.size // 2) == content[file.size // 3 :][: file.size // 2]


@pytest.mark.parametrize("case", cases("good"))
def test_every_good_payload_decodes(case):
    payload, raw = base64.b64decode(case["payload"]), base64.b64decode(case["raw"])
    assert codecs.decode(case["codec"], case["version"], payload, len(raw), references(case)) == raw


@pytest.mark.parametrize("case", load("v2-manifests", "sketches"))
def test_every_sketch_is_what_it_was(case):
    region = base64.b64decode(case["unit"]) * case["times"]
    assert sketch(region, len(region), case["dtype"]).hex() == case["sketch"]


@pytest.mark.parametrize("case", load("v1-upkeep", "objects"))
def test_every_mark_and_hold_says_what_it_said(case):
    sealed = base64.b64decode(case["sealed"])
    if case["kind"] == "mark":
        assert _marks.decode(sealed, case["key"]) == case["seconds"]
    else:
        assert {block.hex() for block in _holds.decode(sealed, case["key"])} == set(case["blocks"])


@pytest.mark.parametrize("age", [0, 100_000])
def test_what_an_old_store_condemned_goes_and_what_it_holds_stays_for_a_day(age, tmp_path):
    folder = tmp_path / "store"
    shutil.copytree(VECTORS / "v1-upkeep" / "store", folder)
    (condemned,) = (path.name for path in (folder / "condemned").rglob("*/*"))
    (hold,) = (path for path in (folder / "holds").rglob("*/*"))
    (held,) = _holds.decode(hold.read_bytes(), hold.name)
    os.utime(hold, (time.time() - age,) * 2)
    with Store.open(folder) as store:
        assert store.gc(GcOptions(grace=0)).deleted.packs == (2 if age else 1)
        assert not (folder / "packs" / condemned[:2] / f"{condemned}.pack").exists()
        assert bool(store._catalog.places(held)) == hold.exists() == (not age)
        assert store.verify().ok


@pytest.mark.parametrize("case", cases("bad"))
def test_everything_bad_is_refused_as_what_it_is(case):
    with pytest.raises(ERRORS[case["error"]]):
        _read(case)


def _read(case):
    if case["kind"] == "payload":
        payload = base64.b64decode(case["payload"])
        return codecs.decode(case["codec"], case["version"], payload, case["raw_length"], references(case))
    read = {"file": Manifest.decode, "name": _bindings.decode, "mark": _marks.decode, "hold": _holds.decode}
    return read[case["kind"]](base64.b64decode(case["sealed"]), case["key"])
