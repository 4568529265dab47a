"""A store written by version 1 opens for ever; what no writer of version 1 wrote is refused for ever."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store import Store, _bindings, codecs
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
    assert VERSIONS == ["v1", "v1-floats", "v2-delta", "v2-family", "v2-manifests", "v2-quantised", "v2-states"]


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


@pytest.mark.parametrize("case", cases("bad"))
def test_everything_bad_is_refused_as_what_it_is(case):
    with pytest.raises(ERRORS[case["error"]]):
        _read(case)


def _read(case):
    if case["kind"] == "payload":
        payload = base64.b64decode(case["payload"])
        return codecs.decode(case["codec"], case["version"], payload, case["raw_length"], references(case))
    if case["kind"] == "file":
        return Manifest.decode(base64.b64decode(case["sealed"]), case["key"])
    return _bindings.decode(base64.b64decode(case["sealed"]), case["key"])
