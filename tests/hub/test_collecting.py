"""Collection on a hub: what no revision names goes, what anybody names or is about to name stays."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from weighbridge.errors import InvalidUploadError, RevisionNotFoundError, UsageError
from weighbridge.hub import AddFile, AddStored, DeleteFile, Hub, HubGcOptions, RepoId, collecting
from weighbridge.hub._rows import now
from weighbridge.hub.sql.tables import ArrivalRow, NodeRow, ObjectRow, ReportRow
from weighbridge.store import Store

AT_ONCE = HubGcOptions(grace=0)
OLD = bytes(range(256)) * 400
NEW = bytes(reversed(range(256))) * 400


def name_of(data):
    return hashlib.sha256(data).hexdigest()


def upload(hub, who, repo, data):
    return hub.uploads.receive(who, repo, iter([data]), sha256=name_of(data), size=len(data))


def commit(hub, who, repo, *operations):
    return hub.content.commit(who, repo, "main", operations, title="x")


def publish(hub, who, repo, path, data):
    upload(hub, who, repo, data)
    return commit(hub, who, repo, AddStored(path, name_of(data)))


def age(hub):
    """Let everything that was given to a repository, or announced, be two days old."""
    with hub.database.writing() as session:
        session.execute(update(ObjectRow).values(added=now() - timedelta(days=2)))
        session.execute(update(ArrivalRow).values(since=now() - timedelta(days=2)))


def read(hub, who, repo, path, revision="main"):
    file = hub.content.open_file(hub.content.entry(who, repo, revision, path))
    return file.read_at(0, file.size)


def test_a_deleted_repository_frees_what_no_other_has(hub, ada, model):
    other = hub.repos.create(ada, RepoId("model", "ada", "other")).id
    publish(hub, ada, model, "gone.bin", OLD)
    publish(hub, ada, model, "shared.bin", NEW)
    publish(hub, ada, other, "shared.bin", NEW)
    before = sum(1 for _ in hub.store.files())
    hub.repos.delete(ada, model)
    foreseen = hub.collect(HubGcOptions(grace=0, dry_run=True))
    assert (foreseen.files, hub.store.has(name_of(OLD))) == (1, True)
    done = hub.collect(AT_ONCE)
    assert (done.files, done.file_bytes, done.store.deleted.packs) == (1, len(OLD), 1)
    assert foreseen.store.condemned == done.store.condemned
    assert not hub.store.has(name_of(OLD))
    assert sum(1 for _ in hub.store.files()) == before  # one went, and the claim is there
    assert read(hub, ada, other, "shared.bin") == NEW
    assert hub.store.verify().ok


def test_nothing_goes_while_a_revision_names_it(hub, ada, model):
    made = publish(hub, ada, model, "w.bin", OLD)
    commit(hub, ada, model, DeleteFile("w.bin"))
    age(hub)
    done = hub.collect(AT_ONCE)
    assert (done.commits, done.files) == (0, 0)
    assert read(hub, ada, model, "w.bin", made.oid) == OLD


def test_a_squashed_history_goes_when_its_grace_is_over(hub, ada, model):
    made = publish(hub, ada, model, "folder/w.bin", OLD)
    commit(hub, ada, model, DeleteFile("folder/w.bin"), AddFile("kept.txt", b"kept"))
    hub.content.squash(ada, model, "main")
    age(hub)
    first = hub.collect(HubGcOptions(grace=3600))
    assert (first.commits, first.waiting, first.files) == (0, 3, 0)
    assert read(hub, ada, model, "folder/w.bin", made.oid) == OLD
    second = hub.collect(AT_ONCE)
    assert (second.commits, second.waiting) == (3, 0)
    assert not hub.store.has(name_of(OLD))
    with pytest.raises(RevisionNotFoundError):
        hub.content.resolve(ada, model, made.oid)
    assert read(hub, ada, model, "kept.txt") == b"kept"
    with hub.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(NodeRow)) == 2
        assert session.scalar(select(func.count()).select_from(ReportRow)) == 1


def test_a_commit_that_a_new_tag_reaches_again_stays(hub, ada, model):
    made = publish(hub, ada, model, "w.bin", OLD)
    hub.content.squash(ada, model, "main")
    assert hub.collect(HubGcOptions(grace=3600)).waiting == 2
    hub.refs.create_tag(ada, model, "again", made.oid)
    assert hub.collect(AT_ONCE).commits == 0
    hub.refs.delete_tag(ada, model, "again")
    assert hub.collect(HubGcOptions(grace=3600)).waiting == 2


def test_an_upload_has_a_day_to_be_committed(hub, ada, model):
    upload(hub, ada, model, OLD)
    assert hub.collect(AT_ONCE).files == 0
    age(hub)
    assert hub.uploads.keep(ada, model, name_of(OLD))  # somebody asks before uploading it again
    assert hub.collect(AT_ONCE).files == 0
    commit(hub, ada, model, AddStored("w.bin", name_of(OLD)))
    age(hub)
    assert hub.collect(AT_ONCE).files == 0
    upload(hub, ada, model, NEW)
    age(hub)
    assert hub.collect(AT_ONCE).files == 1
    assert hub.uploads.keep(ada, model, name_of(NEW)) is None
    with pytest.raises(InvalidUploadError):
        commit(hub, ada, model, AddStored("n.bin", name_of(NEW)))


@pytest.mark.parametrize("moment", ["before it is announced", "before it is granted"])
def test_a_collection_in_the_middle_of_an_upload_of_what_nobody_names(hub, ada, model, monkeypatch, moment):
    """The store has the content already, and nobody names it: it may go before the upload counts on it, not after."""
    hub.objects.put({name_of(OLD): OLD})
    target = {"before it is announced": "_ensure_announced", "before it is granted": "_sync_folder"}[moment]
    usual = getattr(__import__("weighbridge.hub.objects", fromlist=["x"]), target)
    done = []

    def collecting_first(*arguments):
        done.append(hub.collect(AT_ONCE).files)
        return usual(*arguments)

    monkeypatch.setattr(f"weighbridge.hub.objects.{target}", collecting_first)
    upload(hub, ada, model, OLD)
    assert done == [1 if moment == "before it is announced" else 0]
    commit(hub, ada, model, AddStored("w.bin", name_of(OLD)))
    assert read(hub, ada, model, "w.bin") == OLD


def test_a_collection_while_a_commit_comes_in_slowly(hub, ada, model, monkeypatch):
    """Small content is stored before the commit lands, and what the store has is not stored again."""
    monkeypatch.setattr("weighbridge.hub._revisions.CONTENT_AT_ONCE", 0)
    small = [b"number %d" % number for number in range(20)]
    hub.objects.put({name_of(data): data for data in small})
    removed = []

    def operations():
        for number, data in enumerate(small):
            yield AddFile(f"{number}.txt", data)
            if number % 7 == 5:
                removed.append(hub.collect(AT_ONCE).files)

    hub.content.commit(ada, model, "main", operations(), title="slow")
    assert removed == [14, 0, 0]  # the first six were announced; the others came after
    assert [read(hub, ada, model, f"{number}.txt") for number in range(20)] == small


def test_a_commit_slower_than_a_day_is_refused_and_not_half_there(hub, ada, model, monkeypatch):
    monkeypatch.setattr("weighbridge.hub._revisions.CONTENT_AT_ONCE", 0)

    def operations():
        yield AddFile("a.txt", b"a")
        yield AddFile("b.txt", b"b")
        age(hub)
        hub.collect(AT_ONCE)
        yield AddFile("c.txt", b"c")

    before = hub.content.resolve(ada, model).oid
    with pytest.raises(InvalidUploadError, match="so long"):
        hub.content.commit(ada, model, "main", operations(), title="slow")
    assert hub.content.resolve(ada, model).oid == before


def test_what_died_on_its_way_is_cleared_after_a_day(hub, ada, model):
    with hub.content._arrivals.expect() as arrival:
        arrival.announce([name_of(OLD)])
        arrival._rows = []  # as if the process had died here
    hub.objects.put({name_of(OLD): OLD})
    assert hub.collect(AT_ONCE).files == 0
    age(hub)
    assert hub.collect(AT_ONCE).files == 1


def test_new_files_and_files_with_names_stay(hub, ada, model):
    hub.objects.put({name_of(OLD): OLD, name_of(NEW): NEW})
    hub.store.bind("by hand", name_of(NEW))
    assert hub.collect(HubGcOptions(grace=3600)).files == 0
    assert hub.collect(AT_ONCE).files == 1
    assert hub.store.has(name_of(NEW))


def test_an_interrupted_collection_is_gone_on_with(hub, ada, model, monkeypatch):
    for number in range(5):
        hub.objects.put({name_of(b"%d" % number * 50_000): b"%d" % number * 50_000})
    removed, usual = [], Store.remove_file

    def remove(store, sha256):
        if len(removed) == 2:
            raise KeyboardInterrupt
        removed.append(sha256)
        return usual(store, sha256)

    monkeypatch.setattr(Store, "remove_file", remove)
    with pytest.raises(KeyboardInterrupt):
        hub.collect(AT_ONCE)
    monkeypatch.setattr(Store, "remove_file", usual)
    assert hub.collect(AT_ONCE).files == 3
    assert hub.store.verify().ok


def test_others_who_write_get_their_turn(hub, ada, model, monkeypatch):
    """The database is not held longer than a turn, however many files go."""
    monkeypatch.setattr(collecting, "_LONGEST_TURN", 0.0)
    for number in range(4):
        hub.objects.put({name_of(b"%d" % number * 50_000): b"%d" % number * 50_000})
    turns, usual = [], collecting.HubCollector._remove_some

    def counted(self, session, free):
        gone = usual(self, session, free)
        turns.append(len(gone))
        return gone

    monkeypatch.setattr(collecting.HubCollector, "_remove_some", counted)
    assert hub.collect(AT_ONCE).files == 4
    assert turns == [1, 1, 1, 1]


def test_a_store_of_two_hubs_is_left_alone(hub, ada, tmp_path):
    with Hub.open(tmp_path / "other", create=True, store=str(hub.data / "store")) as other:
        other.start()
    with pytest.raises(UsageError, match="other hubs"):
        hub.collect(HubGcOptions(grace=0, dry_run=True))
    for name in hub.store.names():
        hub.store.remove(name)
    assert hub.collect(AT_ONCE).files >= 0
    assert len(hub.store.claimants()) == 1


def test_a_name_removed_by_hand_takes_no_file_from_a_hub(hub, ada, model):
    publish(hub, ada, model, "w.bin", OLD)
    hub.start()
    hub.store.bind("w", name_of(OLD))
    assert hub.store.remove("w") is False
    assert read(hub, ada, model, "w.bin") == OLD


def test_reports_of_what_is_gone_go_too(hub, ada, model):
    publish(hub, ada, model, "gone.bin", OLD)
    report = b'{"a": "report"}'
    with hub.database.writing() as session:
        session.execute(update(ReportRow).values(status="ready", sha256=name_of(report)))
    hub.objects.put({name_of(report): report})
    assert hub.collect(AT_ONCE).files == 0
    hub.repos.delete(ada, model)
    hub.collect(AT_ONCE)
    assert not hub.store.has(name_of(report))
