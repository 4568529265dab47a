"""Listings: every file of a model with its digest, as OpenSSF Model Signing names them.

A folder is walked without following links. A *resource* is a file (method `files`) or a part of one (method `shards`).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from blake3 import blake3

from weighbridge.errors import BundleError, FileChangedError, PathNotFoundError, UnsafePathError

_PIECE = 1 << 20  # bytes read at once
# What belongs to git and not to the model: model-signing leaves these out, always.
GIT_PATHS = (".git", ".gitattributes", ".github", ".gitignore")


class Hash(Protocol):
    def update(self, data: bytes, /) -> Any: ...
    def hexdigest(self) -> str: ...


_HASHES: dict[str, Callable[[], Hash]] = {
    "sha256": hashlib.sha256,
    "blake2b": hashlib.blake2b,
    "blake3": blake3,
}


def hash_type_of(name: str) -> Callable[[], Hash]:
    """What makes a digest of this type."""
    return _HASHES[name]


@dataclass(frozen=True, slots=True)
class Method:
    """How a model is listed: hashed by `hash_type`, in files or in shards of so many bytes, some paths left out."""

    hash_type: str = "sha256"
    shard_size: int | None = None
    ignored: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Any, *, where: str) -> Method:
        """Raises `BundleError` for a method that we do not know."""
        if not isinstance(value, dict):
            raise BundleError("the statement does not say how files were listed", where=where)
        method, hash_type = value.get("method"), value.get("hash_type")
        ignored = value.get("ignore_paths", [])
        if method not in ("files", "shards") or hash_type not in _HASHES:
            known = ", ".join(_HASHES)
            raise BundleError(f"found {method!r} by {hash_type!r}, expected files or shards by {known}", where=where)
        if not isinstance(ignored, list) or not all(isinstance(each, str) for each in ignored):
            raise BundleError("the paths left out are not a list of names", where=where)
        size = _size(value.get("shard_size"), where) if method == "shards" else None
        return cls(hash_type, size, tuple(ignored))

    @property
    def algorithm(self) -> str:
        """How model-signing names the digests of this method's resources."""
        return f"{self.hash_type}-sharded-{self.shard_size}" if self.shard_size else self.hash_type

    def as_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "method": "shards" if self.shard_size else "files",
            "hash_type": self.hash_type,
            "allow_symlinks": False,
            "ignore_paths": list(self.ignored),
        }
        return value | ({"shard_size": self.shard_size} if self.shard_size else {})

    def leaves_out(self, name: str) -> bool:
        path = PurePosixPath(name)
        return any(
            path.is_relative_to(PurePosixPath(each)) for each in (*self.ignored, *GIT_PATHS) if each not in ("", ".")
        )


def _size(value: Any, where: str) -> int:
    # model-signing writes 1000.0: its JSON comes from a format that has no integers.
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 1 or value != int(value):
        raise BundleError(f"found a shard size of {value!r}, expected a number of bytes", where=where)
    return int(value)


@dataclass(frozen=True, slots=True)
class Resource:
    """A file, or the bytes from `start` to `end` of one, and their digest as hex."""

    path: str
    digest: str
    start: int | None = None
    end: int | None = None

    @property
    def name(self) -> str:
        return self.path if self.start is None else f"{self.path}:{self.start}:{self.end}"

    @property
    def order(self) -> tuple[PurePosixPath, int, int]:
        """By this, resources are sorted before they are signed."""
        return PurePosixPath(self.path), self.start or 0, self.end or 0


def parse_name(name: str, digest: str, *, sharded: bool, where: str) -> Resource:
    """The resource of this name. Raises `BundleError` for a name that is none or leaves the model's folder."""
    path, start, end = name, None, None
    if sharded:
        path, *numbers = name.rsplit(":", 2)
        if len(numbers) != 2 or not all(number.isascii() and number.isdigit() for number in numbers):
            raise BundleError(f"found the resource {name!r}, expected path:start:end", where=where)
        start, end = int(numbers[0]), int(numbers[1])
    parts = PurePosixPath(path).parts
    if (not parts and path != ".") or parts[:1] == ("/",) or ".." in parts or "\0" in path:
        raise BundleError(f"the signed name {name!r} would leave the model's folder", where=where)
    return Resource(path, digest, start, end)


def walk(folder: Path) -> Iterator[str]:
    """Names of all files, relative and with '/'. Raises `UnsafePathError` for links and devices, whose bytes no
    signature could vouch for."""
    pending = [""]
    while pending:
        inside = pending.pop()
        with os.scandir(folder / inside) as entries:
            for entry in entries:
                name = f"{inside}/{entry.name}" if inside else entry.name
                if entry.is_symlink():
                    raise UnsafePathError("found a symbolic link, expected files and folders only", where=name)
                if entry.is_dir():
                    pending.append(name)
                elif entry.is_file():
                    yield name
                else:
                    raise UnsafePathError("found a device or a socket, expected files and folders only", where=name)


def list_files(model: Path, method: Method, names: Iterable[str]) -> tuple[Resource, ...]:
    """The resources of these files (`""`: the model is that file), in the order in which they are signed."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        listed = pool.map(lambda name: tuple(_resources(model, name, method)), names)
        found = [resource for resources in listed for resource in resources]
    return tuple(sorted(found, key=lambda each: each.order))


def _resources(model: Path, name: str, method: Method) -> Iterator[Resource]:
    path = model / name if name else model
    shown = name or "."
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise PathNotFoundError("there is no such file", where=str(path)) from None
    with os.fdopen(handle, "rb", buffering=0) as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnsafePathError("found a device or a socket, expected a file", where=str(path))
        size = status.st_size
        if method.shard_size is None:
            yield Resource(shown, _digest(file.read, size, method.hash_type, path))
        else:
            for start in range(0, size, method.shard_size):
                end = min(size, start + method.shard_size)
                yield Resource(shown, _digest(file.read, end - start, method.hash_type, path), start, end)
        if file.read(1):
            raise FileChangedError("the file grew while it was read", where=str(path))


def _digest(read: Callable[[int], bytes], size: int, hash_type: str, path: Path) -> str:
    made = _HASHES[hash_type]()
    while size:
        data = read(min(size, _PIECE))
        if not data:
            raise FileChangedError("the file became shorter while it was read", where=str(path))
        made.update(data)
        size -= len(data)
    return made.hexdigest()
