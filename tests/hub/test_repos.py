"""Repositories and who may see and change them."""

from functools import partial

import pytest

from weighbridge.errors import (
    AccountNotFoundError,
    ConflictError,
    ForbiddenError,
    InvalidNameError,
    RepoNotFoundError,
    UnauthenticatedError,
    UsageError,
)
from weighbridge.hub import ANONYMOUS, AddFile, Listing, RepoId, Role


def named(page):
    return [str(repo.id) for repo in page.repos]


def make(hub, caller, owner, name, **options):
    return hub.repos.create(caller, RepoId("model", owner, name), **options).id


def test_a_new_repository_has_a_first_commit(hub, ada, model):
    repo = hub.repos.get(ada, model)
    assert hub.content.resolve(ada, model).oid == repo.head
    assert [entry.path for entry in hub.content.tree(ada, model)] == [".gitattributes"]


@pytest.mark.parametrize("name", ["scale", "SCALE"])
def test_a_name_is_taken_whatever_its_case(hub, ada, model, name):
    with pytest.raises(ConflictError):
        make(hub, ada, "ada", name)


def test_each_kind_has_names_of_its_own(hub, ada, model):
    dataset = RepoId("dataset", "ada", "scale")
    assert hub.repos.create(ada, dataset).id == dataset
    assert hub.repos.get(ada, model).id == model


def test_names_are_found_whatever_their_case_and_told_as_they_were_given(hub, ada):
    make(hub, ada, "ada", "BigModel")
    assert str(hub.repos.get(ada, RepoId("model", "ADA", "bigmodel")).id) == "ada/BigModel"


def test_a_name_that_clients_do_not_take_is_refused(hub, ada, model):
    with pytest.raises(InvalidNameError):
        make(hub, ada, "ada", "a--b")
    with pytest.raises(InvalidNameError):
        hub.repos.move(ada, model, RepoId("model", "ada", "a--b"))


def test_only_who_has_a_part_may_create(hub, ada, bob, eve):
    hub.people.add_member("lab", "ada", Role.WRITE)
    ada = hub.people.authenticate(hub.people.create_token("ada"))
    assert make(hub, ada, "lab", "ours")
    with pytest.raises(UnauthenticatedError):
        make(hub, ANONYMOUS, "ada", "x")
    for caller in (bob, eve):  # bob's part is to read
        with pytest.raises(ForbiddenError):
            make(hub, caller, "lab", "x")
    with pytest.raises(ForbiddenError):
        make(hub, ada, "nobody", "x")


def test_a_token_that_reads_creates_nothing(hub):
    reader = hub.people.authenticate(hub.people.create_token("ada", Role.READ))
    with pytest.raises(ForbiddenError, match="can only read"):
        make(hub, reader, "ada", "x")


def test_what_is_private_does_not_exist_for_strangers(hub, ada, bob, eve):
    hub.people.add_member("lab", "ada", Role.ADMIN)
    ada = hub.people.authenticate(hub.people.create_token("ada"))
    secret = make(hub, ada, "lab", "secret", private=True)
    assert hub.repos.get(ada, secret).private
    assert hub.repos.get(bob, secret).private
    missing = RepoId("model", "lab", "missing")
    for caller in (eve, ANONYMOUS):
        with pytest.raises(RepoNotFoundError) as hidden:
            hub.repos.get(caller, secret)
        with pytest.raises(RepoNotFoundError) as absent:
            hub.repos.get(caller, missing)
        assert str(hidden.value).replace("secret", "missing") == str(absent.value)
        for ask in (
            hub.content.tree,
            hub.content.history,
            hub.content.resolve,
            hub.refs.list,
            hub.reports.get,
            hub.repos.used_bytes,
            hub.repos.delete,
            partial(hub.uploads.held, sha256="0" * 64),
            partial(hub.content.commit, branch="main", operations=[AddFile("a", b"")], title="x"),
        ):
            with pytest.raises(RepoNotFoundError):
                ask(caller, secret)
    assert named(hub.repos.list(eve)) == named(hub.repos.list(ANONYMOUS)) == []
    assert named(hub.repos.list(bob)) == ["lab/secret"]


def test_who_may_write_may_not_yet_delete_move_or_hide(hub, ada):
    hub.people.add_member("lab", "bob", Role.WRITE)
    hub.people.add_member("lab", "ada", Role.ADMIN)
    bob = hub.people.authenticate(hub.people.create_token("bob"))
    ada = hub.people.authenticate(hub.people.create_token("ada"))
    repo = make(hub, bob, "lab", "ours")
    for ask in (
        lambda: hub.repos.delete(bob, repo),
        lambda: hub.repos.update(bob, repo, private=True),
        lambda: hub.repos.move(bob, repo, RepoId("model", "bob", "mine")),
    ):
        with pytest.raises(ForbiddenError):
            ask()
    hub.repos.delete(ada, repo)
    with pytest.raises(RepoNotFoundError):
        hub.repos.get(ada, repo)


def test_a_moved_repository_is_found_by_both_names(hub, ada, model):
    head = hub.repos.get(ada, model).head
    new = RepoId("model", "ada", "balance")
    assert hub.repos.move(ada, model, new).id == new
    assert hub.repos.get(ada, model).id == new
    assert hub.content.resolve(ada, model).oid == head
    again = make(hub, ada, "ada", "scale")  # the old name is free to be used
    assert hub.repos.get(ada, model).id == again
    with pytest.raises(ConflictError):
        hub.repos.move(ada, new, again)
    with pytest.raises(UsageError):
        hub.repos.move(ada, new, RepoId("dataset", "ada", "x"))


def test_a_repository_cannot_be_moved_to_where_one_may_not_create(hub, ada, model):
    for owner in ("lab", "bob", "nobody"):
        with pytest.raises((ForbiddenError, AccountNotFoundError)):
            hub.repos.move(ada, model, RepoId("model", owner, "x"))


def test_deleting_removes_all_rows_and_frees_the_name(hub, ada, model):
    hub.repos.delete(ada, model)
    assert make(hub, ada, "ada", "scale") == model


def test_lists_are_searched_filtered_and_paged(hub, ada):
    made = [make(hub, ada, "ada", f"model-{number:02d}") for number in range(7)]
    card = b"---\npipeline_tag: feature-extraction\ntags: [tiny]\nlicense: mit\n---\n"
    hub.content.commit(ada, made[3], "main", [AddFile("README.md", card)], title="card")
    assert named(hub.repos.list(ANONYMOUS, Listing(search="ODEL-03"))) == ["ada/model-03"]
    assert named(hub.repos.list(ANONYMOUS, Listing(tags=("license:mit", "tiny")))) == ["ada/model-03"]
    assert named(hub.repos.list(ANONYMOUS, Listing(tags=("license:mit", "huge")))) == []
    assert named(hub.repos.list(ANONYMOUS, Listing(author="ADA"))) == named(hub.repos.list(ANONYMOUS))
    assert named(hub.repos.list(ANONYMOUS, Listing(kind="dataset"))) == []
    assert named(hub.repos.list(ANONYMOUS, Listing(search="%"))) == []
    for sort in ("modified", "created", "downloads"):
        whole = named(hub.repos.list(ANONYMOUS, Listing(sort=sort)))
        paged, cursor = [], ""
        while page := hub.repos.list(ANONYMOUS, Listing(sort=sort, limit=3, cursor=cursor)):
            paged += named(page)
            cursor = page.next
            if not cursor:
                break
        assert paged == whole
        assert sorted(whole) == [f"ada/model-{number:02d}" for number in range(7)]
    assert named(hub.repos.list(ANONYMOUS))[0] == "ada/model-03"


@pytest.mark.parametrize("cursor", ["x", "AAAA", "!!!", "é", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5IDE="])
def test_a_cursor_that_we_did_not_make_is_refused(hub, cursor):
    with pytest.raises(UsageError):
        hub.repos.list(ANONYMOUS, Listing(cursor=cursor))
