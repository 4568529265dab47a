"""Commits: a stream of lines, the first says what for, each other one is an operation."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, ValidationError

from weighbridge.errors import ForbiddenError, UsageError
from weighbridge.hub import AddFile, AddStored, DeleteFile, DeleteFolder, Operation
from weighbridge.server.addresses import API, TheRepo, repo_url
from weighbridge.server.bodies import BodyReader
from weighbridge.server.callers import TheCaller, TheHub
from weighbridge.server.hf.shapes import Json

router = APIRouter()

# A file inside a commit has at most 16 MiB (weighbridge.hub), four thirds of that in base64.
LONGEST_LINE = 24 * 1024 * 1024


_Model = TypeVar("_Model", bound=BaseModel)


class _Header(BaseModel):
    summary: str = ""
    description: str = ""
    parent: str | None = Field(None, alias="parentCommit")


class _File(BaseModel):
    path: str
    content: str
    encoding: Literal["base64", "utf-8"] = "utf-8"


class _LargeFile(BaseModel):
    path: str
    oid: str
    algo: Literal["sha256"] = "sha256"
    size: int | None = None


class _Path(BaseModel):
    path: str


class _Line(BaseModel):
    key: str
    value: dict[str, Any]


@router.post(API + "/commit/{revision:name}")
def commit(
    request: Request, hub: TheHub, caller: TheCaller, repo: TheRepo, revision: str, create_pr: bool = False
) -> Json:
    """Apply the operations to a branch, as they come in: all of them or none."""
    hub.repos.ensure_write(caller, repo)
    if create_pr:
        raise ForbiddenError("this hub has no pull requests", hint="Commit to a branch: leave create_pr out.")
    lines = _lines(request)
    header = _header(lines)
    made = hub.content.commit(
        caller,
        repo,
        revision,
        (_operation(line) for line in lines),
        title=header.summary,
        message=header.description,
        parent=header.parent,
    )
    return {
        "success": True,
        "commitOid": made.oid,
        "commitUrl": f"{repo_url(request, hub.repos.get(caller, repo).id)}/commit/{made.oid}",
        "pullRequestUrl": None,
        "hookOutput": "",
    }


def _lines(request: Request) -> Iterator[_Line]:
    for number, line in enumerate(BodyReader(request).lines(LONGEST_LINE), start=1):
        try:
            yield _Line.model_validate_json(line)
        except ValidationError as error:
            raise UsageError(f"line {number} of the commit is not as expected: {_fault(error)}") from None


def _header(lines: Iterator[_Line]) -> _Header:
    first = next(lines, None)
    if first is None or first.key != "header":
        raise UsageError(f"a commit begins with its header, found {first.key[:40] if first else 'nothing'!r}")
    return _parse(_Header, first)


def _operation(line: _Line) -> Operation:
    make = _OPERATIONS.get(line.key)
    if make is None:
        raise UsageError(f"expected one of {', '.join(_OPERATIONS)}, found {line.key[:40]!r}")
    return make(line)


def _file(line: _Line) -> AddFile:
    file = _parse(_File, line)
    if file.encoding == "utf-8":
        return AddFile(file.path, file.content.encode(errors="replace"))
    try:
        return AddFile(file.path, base64.b64decode(file.content, validate=True))
    except (ValueError, binascii.Error):
        raise UsageError(f"the content of {file.path[:200]!r} is not base64") from None


def _large_file(line: _Line) -> AddStored:
    file = _parse(_LargeFile, line)
    return AddStored(file.path, file.oid, file.size)


_OPERATIONS: dict[str, Callable[[_Line], Operation]] = {
    "file": _file,
    "lfsFile": _large_file,
    "deletedFile": lambda line: DeleteFile(_parse(_Path, line).path),
    "deletedFolder": lambda line: DeleteFolder(_parse(_Path, line).path),
}


def _parse(model: type[_Model], line: _Line) -> _Model:
    try:
        return model.model_validate(line.value)
    except ValidationError as error:
        raise UsageError(f"{line.key!r} in the commit is not as expected: {_fault(error)}") from None


def _fault(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}" for fault in error.errors()[:3])
