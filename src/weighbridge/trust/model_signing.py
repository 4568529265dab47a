"""Signing and verifying a model: OpenSSF Model Signing 1.0 (github.com/ossf/model-signing-spec).

The statement's predicate lists every file of the model with its digest; its one subject is the model's name with the
SHA-256 of all those digests in a row. Bundles made here verify with model-signing 1.x, and the other way round.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from weighbridge.errors import BundleError, PathNotFoundError, SignatureError, UsageError
from weighbridge.trust.bundle import Bundle
from weighbridge.trust.dsse import IN_TOTO
from weighbridge.trust.listing import GIT_PATHS, Method, Resource, list_files, parse_name, walk
from weighbridge.trust.signers import Signer, Verifier
from weighbridge.trust.statement import Statement, Subject

PREDICATE_TYPE = "https://model_signing/signature/v1.0"
_BEFORE_1_0 = "https://model_signing/Digests/v0.1"
SIGNATURE_NAME = "model.sig"  # in a model's folder
Lister = Callable[[Method, Iterable[str]], tuple[Resource, ...]]


class Kind(StrEnum):
    ALTERED = "altered"
    ADDED = "added"
    MISSING = "missing"
    RENAMED = "renamed"
    SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class Difference:
    """How a file is not as signed. `other`: its present name if renamed, the one it changed places with if swapped."""

    kind: Kind
    path: str
    other: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.path}" + (f" -> {self.other}" if self.other else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who signed, and whether the files are what was signed.

    `uncovered` are files that the signature does not speak of, because its signer left them out or they belong to git:
    they may hold anything.
    """

    signer: str
    files: int
    differences: tuple[Difference, ...]
    uncovered: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.differences


def sign(model: Path, signer: Signer, *, ignored: tuple[Path, ...] = (), shard_size: int | None = None) -> Bundle:
    """Sign all files of a folder, or one file.

    `ignored`: files or folders in it to leave out, such as where the signature will lie. Raises `UnsafePathError` for
    links, `UsageError` where nothing is left.
    """
    left_out = tuple(sorted({_inside(model, each) for each in ignored} - {""} | set(GIT_PATHS)))
    method = Method(shard_size=shard_size, ignored=left_out)
    resources = list_files(model, method, [name for name in _names(model) if not method.leaves_out(name)])
    if not resources:
        raise UsageError("there is nothing to sign here", where=str(model))
    subject = Subject(model.resolve().name, {"sha256": _root(resources)})
    listed = [{"name": each.name, "algorithm": method.algorithm, "digest": each.digest} for each in resources]
    return signer.sign(Statement((subject,), PREDICATE_TYPE, {"serialization": method.as_json(), "resources": listed}))


def verify(
    model: Path, bundle: Bundle, verifier: Verifier, *, ignored: tuple[Path, ...] = (), where: str = ""
) -> Verdict:
    """Compare a model with what was signed.

    `ignored`: files or folders in it that cannot be signed, such as the signature. Raises `SignatureError` (wrong key,
    no trust, altered statement) and `BundleError`; the verdict tells files that differ.
    """
    own = tuple(name for name in (_inside(model, each) for each in ignored) if name)
    return verify_listing(_names(model), partial(list_files, model), bundle, verifier, own=own, where=where)


def verify_listing(
    names: Iterable[str], lister: Lister, bundle: Bundle, verifier: Verifier, *, own: tuple[str, ...], where: str = ""
) -> Verdict:
    """As `verify`, for files that lie anywhere: `names` of them all, and `lister`, which hashes those it is given.

    `own`: names of the signature itself.
    """
    statement = _statement(bundle, where)
    signer = verifier.check(bundle, where=where)
    method, signed = _parse(statement, where)
    looked = Method(method.hash_type, method.shard_size, method.ignored + own)
    every = tuple(names)
    left_out = {name for name in every if looked.leaves_out(name)}
    found = lister(looked, [name for name in every if name not in left_out])
    uncovered = tuple(sorted(left_out - set(own)))
    return Verdict(signer, len({each.path for each in signed}), _compare(signed, found), uncovered)


def signature_beside(model: Path) -> Path:
    """Where a model's signature lies unless said otherwise: model.sig in its folder, FILE.sig beside a file."""
    return model / SIGNATURE_NAME if model.is_dir() else model.with_name(model.name + ".sig")


def _names(model: Path) -> tuple[str, ...]:
    if model.is_symlink() or not model.exists():
        reason = "found a symbolic link, expected a file or a folder" if model.is_symlink() else "there is no such file"
        raise PathNotFoundError(reason, where=str(model))
    return tuple(walk(model)) if model.is_dir() else ("",)


def _inside(model: Path, path: Path) -> str:
    """The path's name in the model's folder; "" if it lies elsewhere."""
    try:
        return path.absolute().relative_to(model.absolute()).as_posix()
    except ValueError:
        return ""


def _root(resources: tuple[Resource, ...]) -> str:
    digest = hashlib.sha256()
    for each in resources:
        digest.update(bytes.fromhex(each.digest))
    return digest.hexdigest()


def _statement(bundle: Bundle, where: str) -> Statement:
    """What the bundle says, which nobody vouches for yet."""
    if bundle.envelope.payload_type != IN_TOTO:
        raise BundleError(f"found a payload of type {bundle.envelope.payload_type!r}, expected {IN_TOTO}", where=where)
    statement = Statement.parse(bundle.envelope.payload, where=where)
    if statement.predicate_type == _BEFORE_1_0:
        hint = "Ask the signer to sign again with a release of today."
        raise BundleError("this was signed by a model-signing older than 1.0", where=where, hint=hint)
    if statement.predicate_type != PREDICATE_TYPE:
        raise BundleError(f"found a {statement.predicate_type!r}, expected {PREDICATE_TYPE}", where=where)
    return statement


def _parse(statement: Statement, where: str) -> tuple[Method, tuple[Resource, ...]]:
    method = Method.from_json(statement.predicate.get("serialization"), where=where)
    listed = statement.predicate.get("resources")
    if not isinstance(listed, list) or len(statement.subjects) != 1:
        raise BundleError("expected one subject and a list of resources", where=where)
    resources = tuple(_resource(each, method, where) for each in listed)
    if len({each.name for each in resources}) != len(resources):
        raise BundleError("a resource is listed twice", where=where)
    if statement.subjects[0].digest.get("sha256") != _root(resources):
        raise SignatureError("the signed list of files does not match its own digest", where=where)
    return method, resources


def _resource(value: Any, method: Method, where: str) -> Resource:
    fields = ("name", "digest", "algorithm")
    if not isinstance(value, dict) or not all(isinstance(value.get(field), str) for field in fields):
        raise BundleError("a resource has no name, algorithm and digest", where=where)
    if value["algorithm"] != method.algorithm:
        raise BundleError(f"found a digest by {value['algorithm']!r}, expected {method.algorithm}", where=where)
    try:
        bytes.fromhex(value["digest"])
    except ValueError as error:
        raise BundleError(f"found {value['digest']!r}, expected a digest in hex", where=where) from error
    return parse_name(value["name"], value["digest"].lower(), sharded=method.shard_size is not None, where=where)


def _compare(signed: tuple[Resource, ...], found: tuple[Resource, ...]) -> tuple[Difference, ...]:
    was, now = _by_path(signed), _by_path(found)
    # A file is known again under another name by its digests, unless they are those of an empty file or of a copy.
    gone = _by_content({path: was[path] for path in was.keys() - now.keys()})
    new = _by_content({path: now[path] for path in now.keys() - was.keys()})
    moved = {gone[content]: new[content] for content in gone.keys() & new.keys()}
    differences = [Difference(Kind.RENAMED, old, name) for old, name in moved.items()]
    differences += [Difference(Kind.MISSING, path) for path in was.keys() - now.keys() - moved.keys()]
    differences += [Difference(Kind.ADDED, path) for path in now.keys() - was.keys() - set(moved.values())]
    altered = {path for path in was.keys() & now.keys() if was[path] != now[path]}
    differences += _altered(altered, was, now)
    return tuple(sorted(differences, key=lambda each: (each.path, each.kind)))


def _altered(paths: set[str], was: Mapping[str, _Content], now: Mapping[str, _Content]) -> list[Difference]:
    by_signed = _by_content({path: was[path] for path in paths})
    found = []
    for path in paths:
        other = by_signed.get(now[path], "")
        swapped = other != "" and now[other] == was[path]
        found.append(Difference(Kind.SWAPPED, path, other) if swapped else Difference(Kind.ALTERED, path))
    return [each for each in found if each.kind is not Kind.SWAPPED or each.path < each.other]


_Content = tuple[tuple[int | None, int | None, str], ...]


def _by_path(resources: tuple[Resource, ...]) -> dict[str, _Content]:
    parts: dict[str, list[tuple[int | None, int | None, str]]] = {}
    for each in resources:
        parts.setdefault(each.path, []).append((each.start, each.end, each.digest))
    return {path: tuple(sorted(content, key=lambda part: part[0] or 0)) for path, content in parts.items()}


def _by_content(files: Mapping[str, _Content]) -> dict[_Content, str]:
    """Names by content, of those contents that one file alone has."""
    names: dict[_Content, list[str]] = {}
    for path, content in files.items():
        names.setdefault(content, []).append(path)
    return {content: paths[0] for content, paths in names.items() if len(paths) == 1}
