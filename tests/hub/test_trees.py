"""Changing trees: only changed folders are read and written, and the result is git's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import EntryNotFoundError, InvalidUploadError
from weighbridge.hub import git
from weighbridge.hub.git import EMPTY_TREE, Node
from weighbridge.hub.trees import TreeEditor


def file(content):
    return Node("", "file", git.blob_oid(content), len(content))


class Trees:
    """Written trees, and which of them were read."""

    def __init__(self):
        self.kept = {}
        self.read = []

    def load(self, oid):
        self.read.append(oid)
        return self.kept[oid]

    def change(self, root, *steps):
        editor = TreeEditor(root, self.load)
        for verb, *arguments in steps:
            getattr(editor, verb)(*arguments)
        new, written = editor.finish()
        self.kept |= dict(written)
        return new, written

    def paths(self, root, at=""):
        if root == EMPTY_TREE:
            return {}
        found = {}
        for node in self.kept[root]:
            if node.kind == "directory":
                found |= self.paths(node.oid, f"{at}{node.name}/")
            else:
                found[at + node.name] = node.oid
        return found


@pytest.fixture
def trees():
    return Trees()


def test_files_lie_where_they_were_put(trees):
    root, _ = trees.change(
        EMPTY_TREE, ("put", "a", file(b"1")), ("put", "b/c/d", file(b"2")), ("put", "b/e", file(b"3"))
    )
    assert trees.paths(root) == {"a": git.blob_oid(b"1"), "b/c/d": git.blob_oid(b"2"), "b/e": git.blob_oid(b"3")}


def test_a_change_reads_and_writes_only_the_folders_on_its_way(trees):
    root, _ = trees.change(EMPTY_TREE, *[("put", f"{a}/{b}/f", file(f"{a}{b}".encode())) for a in "xyz" for b in "pqr"])
    trees.read.clear()
    _, written = trees.change(root, ("put", "x/p/f", file(b"new")))
    assert len(trees.read) == 3
    assert len(written) == 3


def test_what_changes_nothing_writes_nothing(trees):
    root, _ = trees.change(EMPTY_TREE, ("put", "a/b", file(b"1")))
    assert trees.change(root, ("put", "a/b", file(b"1"))) == (root, [])


def test_the_same_files_make_the_same_tree_whatever_the_order(trees):
    steps = [("put", f"{name}/f", file(b"1")) for name in ("b", "a", "c")]
    assert trees.change(EMPTY_TREE, *steps)[0] == trees.change(EMPTY_TREE, *reversed(steps))[0]


def test_folders_without_files_are_not_kept(trees):
    root, _ = trees.change(EMPTY_TREE, ("put", "a/b/c", file(b"1")))
    assert trees.change(root, ("delete_file", "a/b/c"))[0] == EMPTY_TREE
    assert trees.change(root, ("delete_folder", "a"))[0] == EMPTY_TREE


def test_a_file_and_a_folder_can_trade_places_once_the_other_is_deleted(trees):
    root, _ = trees.change(EMPTY_TREE, ("put", "a", file(b"1")), ("put", "b/c", file(b"2")))
    swapped, _ = trees.change(
        root, ("delete_file", "a"), ("put", "a/x", file(b"3")), ("delete_file", "b/c"), ("put", "b", file(b"4"))
    )
    assert sorted(trees.paths(swapped)) == ["a/x", "b"]


@pytest.mark.parametrize("path", ["a/x", "b", "b/c/x/y"])
def test_a_file_and_a_folder_cannot_share_a_name(trees, path):
    root, _ = trees.change(EMPTY_TREE, ("put", "a", file(b"1")), ("put", "b/c", file(b"2")))
    with pytest.raises(InvalidUploadError, match="cannot put"):
        trees.change(root, ("put", path, file(b"3")))


@pytest.mark.parametrize(
    "step",
    [
        ("delete_file", "gone"),
        ("delete_file", "b"),
        ("delete_file", "a/x"),
        ("delete_file", "b/gone/x"),
        ("delete_folder", "a"),
        ("delete_folder", "gone"),
    ],
)
def test_what_is_not_there_cannot_be_deleted(trees, step):
    root, _ = trees.change(EMPTY_TREE, ("put", "a", file(b"1")), ("put", "b/c", file(b"2")))
    with pytest.raises(EntryNotFoundError, match="doesn't exist"):
        trees.change(root, step)


def test_operations_apply_in_order(trees):
    root, _ = trees.change(EMPTY_TREE, ("put", "a/b", file(b"1")), ("delete_folder", "a"), ("put", "a/c", file(b"2")))
    assert list(trees.paths(root)) == ["a/c"]


_PATHS = st.lists(st.sampled_from(["a", "b", "a.b", "a0"]), min_size=1, max_size=3).map("/".join)
_STEPS = st.one_of(
    st.tuples(st.just("put"), _PATHS, st.binary(max_size=1).map(file)),
    st.tuples(st.sampled_from(["delete_file", "delete_folder"]), _PATHS),
)


def apply(files, verb, path, node=None):
    """What a step does to a plain mapping of paths to oids; None where it must be refused."""
    below = [name for name in files if name.startswith(f"{path}/")]
    if verb == "put":
        parents = [path.rsplit("/", count)[0] for count in range(1, path.count("/") + 1)]
        return None if below or any(parent in files for parent in parents) else files | {path: node.oid}
    gone = [path] if verb == "delete_file" else below
    if not gone or gone[0] not in files:
        return None
    return {name: oid for name, oid in files.items() if name not in gone}


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(_STEPS, max_size=4), max_size=5))
def test_trees_hold_what_a_plain_mapping_would(commits):
    trees, root, files = Trees(), EMPTY_TREE, {}
    for steps in commits:
        wanted = files
        for step in steps:
            wanted = apply(wanted, *step) if wanted is not None else None
        if wanted is None:
            with pytest.raises((EntryNotFoundError, InvalidUploadError)):
                trees.change(root, *steps)
            continue
        files = wanted
        root, _ = trees.change(root, *steps)
        assert trees.paths(root) == files
        whole = [("put", path, Node("", "file", oid)) for path, oid in files.items()]
        assert git_only(trees, root) == Trees().change(EMPTY_TREE, *whole)[0]


def git_only(trees, root):
    """The tree's id, from nothing but names and oids."""
    nodes = [
        Node(node.name, node.kind, git_only(trees, node.oid) if node.kind == "directory" else node.oid)
        for node in trees.kept.get(root, [])
    ]
    return git.tree_oid(nodes)
