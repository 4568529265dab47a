"""Commits, revisions and what they hold."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from weighbridge.errors import (
    EntryNotFoundError,
    ForbiddenError,
    InvalidUploadError,
    LimitError,
    RevisionNotFoundError,
    StaleParentError,
    UnauthenticatedError,
    UnsafePathError,
)
from weighbridge.hub import ANONYMOUS, AddFile, AddStored, DeleteFile, DeleteFolder, RepoId, git
from weighbridge.hub._revisions import LARGEST_INLINE


def commit(hub, caller, repo, *operations, branch="main", **options):
    return hub.content.commit(caller, repo, branch, operations, **{"title": "Change", **options})


def paths(hub, caller, repo, revision="main"):
    found = hub.content.tree(caller, repo, revision, recursive=True)
    return [entry.path for entry in found if entry.kind == "file"]


def read(hub, caller, repo, path, revision="main"):
    file = hub.content.open_file(hub.content.entry(caller, repo, revision, path))
    return file.read_at(0, file.size)


def test_a_commit_is_read_back(hub, ada, model):
    made = commit(hub, ada, model, AddFile("a/b.txt", b"one"), AddFile("c", b""), title="First", message="Both.")
    assert hub.content.resolve(ANONYMOUS, model) == made
    assert (made.author, made.title, made.message) == ("ada", "First", "Both.")
    assert read(hub, ada, model, "a/b.txt") == b"one"
    assert read(hub, ada, model, "c") == b""
    entry = hub.content.entry(ada, model, "main", "a/b.txt")
    assert (entry.oid, entry.size, entry.lfs) == (git.blob_oid(b"one"), 3, False)


def test_earlier_revisions_stay_as_they_were(hub, ada, model):
    first = commit(hub, ada, model, AddFile("a", b"1"), AddFile("b", b"1"))
    second = commit(hub, ada, model, AddFile("a", b"2"), DeleteFile("b"))
    assert second.parents == (first.oid,)
    assert read(hub, ada, model, "a", first.oid) == b"1"
    assert paths(hub, ada, model, first.oid) == [".gitattributes", "a", "b"]
    assert paths(hub, ada, model) == [".gitattributes", "a"]


def test_history_is_newest_first_and_can_be_paged(hub, ada, model):
    made = [commit(hub, ada, model, AddFile("a", b"%d" % number), title=str(number)) for number in range(7)]
    titles = [each.title for each in hub.content.history(ada, model)]
    assert titles == ["6", "5", "4", "3", "2", "1", "0", "initial commit"]
    assert [each.title for each in hub.content.history(ada, model, limit=3, skip=2)] == titles[2:5]
    assert [each.title for each in hub.content.history(ada, model, made[1].oid)] == titles[5:]
    assert hub.content.history(ada, model, skip=100) == ()


def test_each_entry_knows_the_commit_that_last_changed_it(hub, ada, model):
    one = commit(hub, ada, model, AddFile("x/a", b"1"), AddFile("b", b"1"))
    two = commit(hub, ada, model, AddFile("x/c", b"1"))
    commit(hub, ada, model, AddFile("d", b"1"))
    commit(hub, ada, model, DeleteFile("d"))
    entries = hub.content.tree(ada, model, recursive=True)
    last = {entry.path: entry.last_commit.oid for entry in hub.content.with_last_commits(ada, model, "main", entries)}
    first = hub.content.history(ada, model)[-1].oid
    assert last == {".gitattributes": first, "b": one.oid, "x": two.oid, "x/a": one.oid, "x/c": two.oid}


def test_the_last_commit_is_found_within_the_newest_ones_only(hub, ada, model, monkeypatch):
    monkeypatch.setattr("weighbridge.hub._last_commits.MOST_COMMITS", 2)
    commit(hub, ada, model, AddFile("old", b"1"))
    new = [commit(hub, ada, model, AddFile(name, b"1")) for name in ("a", "b")]
    entries = hub.content.with_last_commits(ada, model, "main", hub.content.tree(ada, model))
    last = {entry.path: entry.last_commit and entry.last_commit.oid for entry in entries}
    assert last == {".gitattributes": None, "old": None, "a": new[0].oid, "b": new[1].oid}


def test_a_commit_of_very_many_files_lands(hub, ada, model):
    commit(hub, ada, model, *[AddFile(f"{number % 7}/{number}", b"%d" % number) for number in range(1000)])
    assert len(paths(hub, ada, model)) == 1001


def test_deleting_what_is_not_there_changes_nothing(hub, ada, model):
    head = hub.repos.get(ada, model).head
    for operation in (DeleteFile("gone"), DeleteFolder("gone/"), DeleteFile("")):
        with pytest.raises((EntryNotFoundError, UnsafePathError)):
            commit(hub, ada, model, AddFile("new", b"1"), operation)
    assert hub.repos.get(ada, model).head == head


def test_a_path_that_could_leave_its_folder_is_refused(hub, ada, model):
    for operation in (AddFile("../a", b"x"), AddStored("../a", "0" * 64), DeleteFile("../a"), DeleteFolder("../a")):
        with pytest.raises(UnsafePathError):
            commit(hub, ada, model, operation)


def test_a_stale_parent_is_refused(hub, ada, model):
    first = commit(hub, ada, model, AddFile("a", b"1"))
    commit(hub, ada, model, AddFile("a", b"2"), parent=first.oid)
    with pytest.raises(StaleParentError):
        commit(hub, ada, model, AddFile("a", b"3"), parent=first.oid)
    assert read(hub, ada, model, "a") == b"2"


def test_commits_made_at_once_all_land_one_after_the_other(hub, ada, model):
    def work(name):
        for number in range(5):
            commit(hub, ada, model, AddFile(f"{name}/{number}", b"x"), title=f"{name}{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, "abcd"))
    assert len(paths(hub, ada, model)) == 1 + 20
    assert len(hub.content.history(ada, model)) == 1 + 20


def test_of_two_commits_on_one_parent_one_lands(hub, ada, model):
    parent = hub.repos.get(ada, model).head
    ready = threading.Barrier(2)

    def lands(name):
        ready.wait()
        try:
            return bool(commit(hub, ada, model, AddFile(name, b"x"), parent=parent))
        except StaleParentError:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lands, "ab")) == [False, True]
    assert len(paths(hub, ada, model)) == 2


def test_only_branches_take_commits(hub, ada, model):
    hub.refs.create_tag(ada, model, "v1")
    head = hub.repos.get(ada, model).head
    for branch in ("v1", head, "nope", ""):
        with pytest.raises(RevisionNotFoundError):
            commit(hub, ada, model, AddFile("a", b""), branch=branch)
    with pytest.raises(ForbiddenError, match="pull requests"):
        commit(hub, ada, model, AddFile("a", b""), branch="refs/pr/1")


def test_only_who_may_write_commits(hub, ada, bob, model):
    with pytest.raises(UnauthenticatedError):
        commit(hub, ANONYMOUS, model, AddFile("a", b""))
    with pytest.raises(ForbiddenError):
        commit(hub, bob, model, AddFile("a", b""))


def test_a_large_file_is_named_by_what_was_uploaded_to_this_repository(hub, ada, model):
    data = bytes(range(256)) * 1000
    held = hub.uploads.receive(ada, model, [data[:1000], data[1000:]])
    commit(hub, ada, model, AddStored("model.bin", held.sha256, held.size))
    entry = hub.content.entry(ada, model, "main", "model.bin")
    assert entry.lfs
    assert entry.oid == git.blob_oid(git.lfs_pointer(hashlib.sha256(data).hexdigest(), len(data)))
    assert read(hub, ada, model, "model.bin") == data


def test_nobody_gets_a_private_file_by_its_sha256(hub, ada, eve):
    private = hub.repos.create(ada, RepoId("model", "ada", "secret"), private=True).id
    held = hub.uploads.receive(ada, private, [b"weights of great value"])
    commit(hub, ada, private, AddStored("w.bin", held.sha256, held.size), AddFile("small.txt", b"a small secret"))
    theirs = hub.repos.create(eve, RepoId("model", "eve", "thief")).id
    small = hashlib.sha256(b"a small secret").hexdigest()
    pointer = git.lfs_pointer(held.sha256, held.size)
    for operation in (
        AddStored("w.bin", held.sha256, held.size),
        AddStored("w.bin", held.sha256),
        AddStored("s.txt", small),
        AddFile("w.bin", pointer),  # the text by which git knows a large file
    ):
        with pytest.raises(InvalidUploadError, match="never uploaded"):
            commit(hub, eve, theirs, operation)
    assert not hub.uploads.may_reference(eve, theirs, held.sha256)


def test_the_same_folder_in_two_repositories_shows_neither_the_others_content(hub, ada, eve):
    """A folder is kept by its git id. A pointer's text and the file it points to have the same one."""
    private = hub.repos.create(ada, RepoId("model", "ada", "secret"), private=True).id
    held = hub.uploads.receive(ada, private, [b"weights of great value"])
    commit(hub, ada, private, AddStored("d/w.bin", held.sha256, held.size))
    theirs = hub.repos.create(eve, RepoId("model", "eve", "twin")).id
    mine = hub.uploads.receive(eve, theirs, [b"other"])
    commit(hub, eve, theirs, AddStored("d/w.bin", mine.sha256))
    assert read(hub, eve, theirs, "d/w.bin") == b"other"


def test_a_pointer_committed_as_text_is_the_file_it_points_to(hub, ada, model):
    held = hub.uploads.receive(ada, model, [b"weights"])
    commit(hub, ada, model, AddFile("w.bin", git.lfs_pointer(held.sha256, held.size)))
    assert read(hub, ada, model, "w.bin") == b"weights"
    with pytest.raises(InvalidUploadError, match="bytes"):
        commit(hub, ada, model, AddFile("w.bin", git.lfs_pointer(held.sha256, held.size + 1)))


def test_a_commit_is_not_the_place_for_a_large_file(hub, ada, model):
    with pytest.raises(InvalidUploadError, match="too many"):
        commit(hub, ada, model, AddFile("a", bytes(LARGEST_INLINE + 1)))


def test_a_commit_has_a_bounded_number_of_operations(hub, ada, model, monkeypatch):
    monkeypatch.setattr("weighbridge.hub._revisions.MOST_OPERATIONS", 10)
    with pytest.raises(LimitError):
        commit(hub, ada, model, *[AddFile(str(number), b"") for number in range(11)])


def test_a_commit_costs_only_the_folders_it_changes(hub, ada, model):
    from sqlalchemy import func, select

    from weighbridge.hub.sql.tables import NodeRow

    def nodes():
        with hub.database.reading() as session:
            return session.scalar(select(func.count()).select_from(NodeRow))

    commit(hub, ada, model, *[AddFile(f"{folder}/{number}", b"x") for folder in "abcd" for number in range(50)])
    before = nodes()
    commit(hub, ada, model, AddFile("e/new", b"y"))
    assert nodes() - before == 1 + 6  # the new folder, and the root with it
    before = nodes()
    commit(hub, ada, model, DeleteFolder("e"))
    assert nodes() == before  # this root was there before


@pytest.mark.parametrize("revision", ["nope", "0" * 40, "main~1", "refs/heads/nope", "../x", "é", "\0", "x" * 1000])
def test_an_unknown_revision_is_told(hub, ada, model, revision):
    with pytest.raises(RevisionNotFoundError):
        hub.content.resolve(ada, model, revision)


@pytest.mark.parametrize("path", ["nope", "a/b/c", "../x", ".gitattributes/x"])
def test_an_unknown_path_is_told(hub, ada, model, path):
    with pytest.raises(EntryNotFoundError):
        hub.content.entry(ada, model, "main", path)
    with pytest.raises(EntryNotFoundError):
        hub.content.tree(ada, model, "main", path)


def test_a_commit_of_another_repository_is_not_a_revision_here(hub, ada, model):
    other = hub.repos.create(ada, RepoId("model", "ada", "other"), private=True).id
    made = commit(hub, ada, other, AddFile("a", b"x"))
    with pytest.raises(RevisionNotFoundError):
        hub.content.resolve(ada, model, made.oid)


def test_squashing_keeps_the_files_and_forgets_the_history(hub, ada, model):
    commit(hub, ada, model, AddFile("a", b"1"))
    before = commit(hub, ada, model, AddFile("a", b"2"))
    after = hub.content.squash(ada, model, "main", "All of it")
    assert after.parents == ()
    assert after.tree == before.tree
    assert [each.title for each in hub.content.history(ada, model)] == ["All of it"]


def test_titles_are_text_that_every_database_holds(hub, ada, model):
    made = commit(hub, ada, model, AddFile("a", b"1"), title="a\0b\udcff ", message="x" * 1_000_000)
    assert made.title == "ab?"
    assert hub.content.resolve(ada, model) == made
    assert commit(hub, ada, model, AddFile("a", b"2"), title="  ").title == "Update"
