"""`weigh store gc` and `rm`, as a person or a script runs them."""

from __future__ import annotations

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
    assert (status, out, err) == (130, "", "weigh: interrupted\n")
    assert "1 pack of" in weigh("store", "gc", "--store", folder, "--grace", "0")[1]
