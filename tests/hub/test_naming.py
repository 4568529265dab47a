"""Which names are refused. tests elsewhere show that each use case asks."""

import pytest
from huggingface_hub.utils import validate_repo_id
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import InvalidNameError, UnsafePathError
from weighbridge.hub import RepoId, naming

ACCOUNTS = ["", ".", "..", "a/b", "-a", "a-", "a--b", "a b", "é", "api", "Spaces", "x" * 65, "a\0"]
REPOS = ["", "..", "a/b", "a..b", "a--b", "-a", "a.git", "a b", "é", "x" * 97, "a\0b", "a\\b", "x" * 95]
REFS = [
    "", "-a", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "[a", "a\\b", "/a", "a/", "a//b", ".a", "a/.b", "a.lock",
    "a.", "@", "a@{b", "HEAD", "refs/pr/1", "a\0", "a\n", "0" * 40, "x" * 201,
]  # fmt: skip
PATHS = [
    "", "/a", "a/", "a//b", "./a", "a/../b", "..", "a\\b", "a\0b", "a\nb", "C:/x", ".git/config", "a/.GIT/x",
    ".git. /x", "git~1/x", "x" * 256, "a/" * 200 + "b", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", ACCOUNTS)
def test_no_account_is_called(name):
    with pytest.raises(InvalidNameError):
        naming.account_name(name)


@pytest.mark.parametrize("name", REPOS)
def test_no_repository_is_called(name):
    with pytest.raises(InvalidNameError):
        naming.repo_id(RepoId("model", "ada", name))


@pytest.mark.parametrize("name", REFS)
def test_no_branch_or_tag_is_called(name):
    with pytest.raises(InvalidNameError):
        naming.branch_name(name)
    with pytest.raises(InvalidNameError):
        naming.tag_name(name)


@pytest.mark.parametrize("path", PATHS)
def test_no_file_lies_at(path):
    with pytest.raises(UnsafePathError):
        naming.file_path(path)


@pytest.mark.parametrize("name", ["a", "A_b.c-1", "v1.0", "feature/x", "日本", "a@b"])
def test_honest_names_are_taken(name):
    assert naming.branch_name(name) == name
    assert naming.file_path(name) == name


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z0-9._-]{1,96}", fullmatch=True))
def test_clients_take_every_repository_name_that_we_take(name):
    try:
        naming.repo_id(RepoId("model", "a", name))
    except InvalidNameError:
        return
    validate_repo_id(f"a/{name}")
