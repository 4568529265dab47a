"""`weigh store gc` and `rm`, as a person or a script runs them."""

from __future__ import annotations

import hashlib
import json

import pytest

from weighbridge.cli._store._options import seconds
from weighbridge.cli.main import run
from weighbridge.errors import UsageError
from weighbridge.store._gc import Collector


@pytest.fixture
def packed(tmp_path, folder, make, weigh):
    """A folder of three files, packed, two of them alike."""
    files = tmp_path / "files"
    files.mkdir()
    for name, seed in (("a", 1), ("b", 2), ("copy of a", 1)):
        (files / name).write_bytes(make.weights(100_000, seed).tobytes())
        assert weigh("pack", files / name, "--store", folder)[0] == 0
    return files


@pytest.fixture
def weigh(capsys):
    def call(*arguments):
        """Status, standard output, standard error."""
        status = run([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


def test_a_removed_file_frees_its_room(packed, folder, make, weigh):
    size = make.size_of(folder)
    assert weigh("store", "rm", "a", "b", "--store", folder)[1].splitlines() == [
        "a: the name was removed, the file stays",
        "b: removed",
    ]
    status, out, _ = weigh("store", "gc", "--store", folder, "--grace", "0", "--dry-run")
    assert (status, "would be deleted" in out, make.size_of(folder) > size * 0.9) == (0, True, True)
    status, out, _ = weigh("store", "gc", "--store", folder, "--grace", "0")
    assert (status, "that no file needs" in out, "1 pack of" in out) == (0, True, True)
    assert make.size_of(folder) < size * 0.6
    assert weigh("unpack", "copy of a", "--store", folder, "--out", packed / "out")[0] == 0
    assert (packed / "out" / "copy of a").read_bytes() == (packed / "a").read_bytes()


def test_the_same_as_json(packed, folder, weigh):
    told = json.loads(weigh("store", "rm", "b", "--store", folder, "--json")[1])
    assert [(one["name"], one["file_removed"]) for one in told["removed"]] == [("b", True)]
    dry = json.loads(weigh("store", "gc", "--store", folder, "--grace", "0s", "--json", "--dry-run")[1])
    wet = json.loads(weigh("store", "gc", "--store", folder, "--grace", "0s", "--json")[1])
    assert (dry["dry_run"], dry["condemned"]["packs"], dry["garbage"]) == (True, 1, wet["garbage"])
    assert (wet["deleted"]["packs"], wet["waiting"], wet["unreadable"]) == (1, {"packs": 0, "nbytes": 0}, [])
    held = json.loads(weigh("store", "rm", "a", "--keep-file", "--store", folder, "--json")[1])
    assert not held["removed"][0]["file_removed"]


def test_what_is_not_there_is_refused_before_anything_is_removed(packed, folder, weigh):
    status, out, err = weigh("store", "rm", "a", "nobody", "--store", folder)
    assert (status, out, "no file named 'nobody'" in err) == (2, "", True)
    assert "a" in weigh("store", "ls", "--store", folder)[1].split()


def test_a_file_that_lost_its_name_is_removed_by_its_digest(packed, folder, weigh):
    digest = json.loads(weigh("store", "rm", "b", "--keep-file", "--store", folder, "--json")[1])["removed"][0]
    listed = json.loads(weigh("store", "ls", "--store", folder, "--json")[1])["files"]
    nameless = [one["sha256"] for one in listed if one["name"] is None]
    assert nameless == [hashlib.sha256((packed / "b").read_bytes()).hexdigest()], digest
    assert "(no name)" in weigh("store", "ls", "--store", folder)[1]
    assert weigh("store", "rm", "0" * 12, "--store", folder)[0] == 2
    status, out, _ = weigh("store", "rm", nameless[0][:10], "--store", folder)
    assert (status, out) == (0, f"{nameless[0][:10]}: removed\n")
    assert "(no name)" not in weigh("store", "ls", "--store", folder)[1]


def test_a_file_with_a_name_is_not_removed_by_its_digest(packed, folder, weigh):
    digest = hashlib.sha256((packed / "a").read_bytes()).hexdigest()
    status, _, err = weigh("store", "rm", digest, "--store", folder)
    assert (status, "has the name 'a'" in err) == (2, True)


def test_unpacking_goes_on_where_it_stopped(packed, folder, weigh):
    out = packed / "out"
    assert weigh("unpack", "a", "--store", folder, "--out", out)[0] == 0
    before = (out / "a").stat().st_mtime_ns
    told = json.loads(weigh("unpack", "--all", "--store", folder, "--out", out, "--json")[1])["files"]
    assert {one["name"]: one["already_there"] for one in told} == {"a": True, "b": False, "copy of a": False}
    assert (out / "a").stat().st_mtime_ns == before
    (out / "a").write_bytes(b"x" * 400_000)
    status, _, err = weigh("unpack", "--all", "--store", folder, "--out", out)
    assert (status, "exists already" in err) == (2, True)


@pytest.mark.parametrize(("text", "length"), [("0", 0), ("90m", 5400), ("1.5h", 5400), ("7d", 604_800), ("10s", 10)])
def test_lengths_of_time(text, length):
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "h", "-1h", "1w", "1h30m", "9" * 30])
def test_what_is_no_length_of_time(text, folder, weigh):
    with pytest.raises(UsageError, match="no length of time"):
        seconds(text)


def test_an_interrupted_collection_says_so_and_is_gone_on_with(packed, folder, weigh, monkeypatch):
    weigh("store", "rm", "b", "--store", folder)

    def interrupt(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Collector, "_delete", interrupt)
        status, out, err = weigh("store", "gc", "--store", folder, "--grace", "0")
    assert (status, out) == (130, "")
    assert err.splitlines() == [
        "weigh: interrupted",
        "       Nothing that is needed was removed: the same command goes on.",
    ]
    assert "1 pack of" in weigh("store", "gc", "--store", folder, "--grace", "0")[1]
