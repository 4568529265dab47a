"""Branches and tags."""

import pytest

from weighbridge.errors import ConflictError, ForbiddenError, InvalidNameError, RevisionNotFoundError
from weighbridge.hub import AddFile


def test_a_branch_moves_on_its_own(hub, ada, model):
    hub.refs.create_branch(ada, model, "try/this")
    main = hub.repos.get(ada, model).head
    made = hub.content.commit(ada, model, "try/this", [AddFile("a", b"1")], title="x")
    assert hub.content.resolve(ada, model, "try/this").oid == made.oid
    assert hub.content.resolve(ada, model, "refs/heads/try/this").oid == made.oid
    assert hub.repos.get(ada, model).head == main


def test_a_tag_stays_where_it_is(hub, ada, model):
    head = hub.repos.get(ada, model).head
    hub.refs.create_tag(ada, model, "v1.0")
    hub.content.commit(ada, model, "main", [AddFile("a", b"1")], title="x")
    assert hub.content.resolve(ada, model, "v1.0").oid == hub.content.resolve(ada, model, "refs/tags/v1.0").oid == head


def test_a_branch_may_start_at_any_revision(hub, ada, model):
    first = hub.repos.get(ada, model).head
    hub.content.commit(ada, model, "main", [AddFile("a", b"1")], title="x")
    assert hub.refs.create_branch(ada, model, "old", first).target == first
    with pytest.raises(RevisionNotFoundError):
        hub.refs.create_branch(ada, model, "x", "nope")


def test_refs_are_listed_main_first(hub, ada, model):
    for name in ("a", "z"):
        hub.refs.create_branch(ada, model, name)
        hub.refs.create_tag(ada, model, name)
    names = [(ref.kind, ref.name) for ref in hub.refs.list(ada, model)]
    assert names == [("branch", "main"), ("branch", "a"), ("branch", "z"), ("tag", "a"), ("tag", "z")]


def test_refs_are_deleted_but_main_is_not(hub, ada, model):
    hub.refs.create_branch(ada, model, "a")
    hub.refs.create_tag(ada, model, "a")
    hub.refs.delete_branch(ada, model, "a")
    hub.refs.delete_tag(ada, model, "a")
    assert [ref.name for ref in hub.refs.list(ada, model)] == ["main"]
    with pytest.raises(ForbiddenError):
        hub.refs.delete_branch(ada, model, "main")
    for delete in (hub.refs.delete_branch, hub.refs.delete_tag):
        with pytest.raises(RevisionNotFoundError):
            delete(ada, model, "a")


def test_a_ref_cannot_be_made_twice(hub, ada, model):
    with pytest.raises(ConflictError):
        hub.refs.create_branch(ada, model, "main")
    hub.refs.create_tag(ada, model, "v1")
    with pytest.raises(ConflictError):
        hub.refs.create_tag(ada, model, "v1")


def test_names_that_git_refuses_are_refused(hub, ada, model):
    for create in (hub.refs.create_branch, hub.refs.create_tag):
        with pytest.raises(InvalidNameError):
            create(ada, model, "a..b")


def test_only_who_may_write_makes_refs(hub, bob, model):
    for make in (hub.refs.create_branch, hub.refs.create_tag, hub.refs.delete_branch, hub.refs.delete_tag):
        with pytest.raises(ForbiddenError):
            make(bob, model, "a")
