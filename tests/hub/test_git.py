"""Our object ids against those of the real git."""

import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from weighbridge.hub import git
from weighbridge.hub.git import Node

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture
def run(tmp_path):
    def run(*arguments, given=b"", env=None):
        done = subprocess.run(
            ["git", *arguments], cwd=tmp_path, input=given, env={"HOME": str(tmp_path), **(env or {})},
            check=True, capture_output=True,
        )  # fmt: skip
        return done.stdout.decode().strip()

    run("init", "-q")
    return run


@pytest.mark.parametrize("content", [b"", b"hello\n", bytes(range(256)) * 300])
def test_a_blob_has_gits_id(run, content):
    assert git.blob_oid(content) == run("hash-object", "--stdin", given=content)


def test_a_tree_has_gits_id_also_where_folders_and_files_sort_side_by_side(run):
    blob = run("hash-object", "-w", "--stdin", given=b"x")
    empty = run("mktree", given=b"")
    # In bytes '-' and '.' come before '/', '0' after it: a folder 'a' sorts between the files 'a.b' and 'a0'.
    files = ["a.b", "a-b", "a0", "A", "z", "é", "日本", "a b"]
    nodes = [Node(name, "file", blob) for name in files] + [
        Node(name, "directory", empty) for name in ("a", "ab", "é0")
    ]
    modes = {"file": "100644 blob", "directory": "040000 tree"}
    lines = "".join(f"{modes[node.kind]} {node.oid}\t{node.name}\0" for node in nodes)
    assert git.tree_oid(nodes) == run("mktree", "-z", given=lines.encode())
    assert empty == git.EMPTY_TREE


@pytest.mark.parametrize("parents", [0, 1, 2])
def test_a_commit_has_gits_id(run, parents):
    tree = run("mktree", given=b"")
    date = datetime(2026, 11, 23, 12, 34, 56, tzinfo=UTC)
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (
            ("NAME", "ada"),
            ("EMAIL", "ada@users.noreply.weighbridge"),
            ("DATE", f"{int(date.timestamp())} +0000"),
        )
    }
    earlier = [run("commit-tree", tree, given=f"parent {i}\n".encode(), env=who) for i in range(parents)]
    message = "Add the weights\n\nBoth of them: ½.\n"
    named = [argument for parent in earlier for argument in ("-p", parent)]
    theirs = run("commit-tree", tree, *named, given=message.encode(), env=who)
    assert git.commit_oid(tree, earlier, "ada", date, message) == theirs


def test_a_pointer_is_read_back_and_nothing_else_is_taken_for_one():
    pointer = git.lfs_pointer("ab" * 32, 123)
    assert git.parse_lfs_pointer(pointer) == ("ab" * 32, 123)
    for other in (b"", b"version https://git-lfs.github.com/spec/v1\n", pointer + b"x", pointer.replace(b"ab", b"AB")):
        assert git.parse_lfs_pointer(other) is None
