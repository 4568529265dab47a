"""A store in a bucket of an S3 server, through obstore.

The URL says bucket and prefix; endpoint, region and keys come from the usual ``AWS_*`` variables and are never told.
A write is one PUT or one multipart upload, both atomic; S3 is strongly consistent, so what was written is seen by all.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from weighbridge.errors import ObjectNotFoundError, StoreUnavailableError, UsageError
from weighbridge.store._keys import TMP
from weighbridge.store.backends import _signed
from weighbridge.store.backends._joining import join
from weighbridge.store.backends._s3_errors import (
    Exists,
    is_cut,
    is_ended_upload,
    is_past_end,
    is_unmarked_range,
    told_by_s3,
)
from weighbridge.store.backends.base import Listed

if TYPE_CHECKING:
    from obstore.store import RetryConfig, S3Config


# obstore tries again what fails before a byte of the body has come; a minute and a half outlasts a server's restart.
RETRIES: RetryConfig = {
    "max_retries": 12,
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=10), "base": 2},
    "retry_timeout": timedelta(seconds=90),
}
# What fails later, in the middle of a body or in a conditional write, is tried again by us.
TRIES = 5
PAUSE_SECONDS = 0.2
# S3 wants parts of at least 5 MiB. With three on their way they cost 20 MiB beside the packs themselves.
PART_BYTES = 5 << 20
PARTS_AT_ONCE = 3
GETS_AT_ONCE = 8
URL_LIFETIME = timedelta(minutes=10)
REACH_SECONDS = 5

_URL = re.compile(r"[sS]3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>/[^?#]*)?")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
# Any of these says where keys come from. Without one of them, obstore asks the machine for those of its role.
_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SKIP_SIGNATURE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
)
_MACHINE_KEYS = ("169.254.169.254", 80)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

T = TypeVar("T")


def connect(location: str, *, create: bool = False) -> S3Backend:
    """The objects under s3://bucket/prefix.

    Raises `UsageError` for another form, `StoreUnavailableError` where nobody listens.
    With `create` too, the bucket itself has to be there: what it is called, and who pays for it, is not ours to say.
    """
    found = _URL.fullmatch(location)
    if found is None:
        told = "an S3 location" if "@" in location else repr(location[:200])  # what is before an @ may be a secret
        hint = "Keys and endpoint are given by AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL."
        raise UsageError(f"expected s3://bucket or s3://bucket/prefix, found {told}", hint=hint)
    prefix = (found["prefix"] or "").strip("/")
    if any(part in ("", ".", "..") for part in prefix.split("/") if prefix):
        raise UsageError("a prefix has no empty parts and no '.' or '..'", where=location)
    endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    if not any(os.environ.get(name) for name in _PROXIES):
        _ensure_reachable(endpoint or f"https://s3.{_region()}.amazonaws.com", location)
    if not any(os.environ.get(name) for name in _KEYS):
        _ensure_machine_has_keys(location)
    return S3Backend(found["bucket"], prefix, endpoint)


class S3Backend:
    """Objects under a prefix of a bucket."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None) -> None:
        self.location = f"s3://{bucket}/{prefix}".rstrip("/")
        self._place = hashlib.sha256(f"{endpoint or ''} {self.location}".encode()).hexdigest()[:16]
        self._lock = threading.Lock()
        self._exclusive: bool | None = None
        self._unmarked_ranges = False
        self._pool = ThreadPoolExecutor(GETS_AT_ONCE, "weighbridge-s3")
        where: S3Config = {"region": _region(), "virtual_hosted_style_request": False}
        if endpoint:  # None is not taken for "that of AWS"
            where["endpoint"] = endpoint
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config=where,
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http://")), "timeout": "120s"},
            retry_config=RETRIES,
        )

    @property
    def exclusive(self) -> bool:
        """Whether this server honours conditional writes. Asked once, with an object under tmp/."""
        with self._lock:
            if self._exclusive is None:
                self._exclusive = self._ask_exclusive()
            return self._exclusive

    def cache(self, store_id: str) -> Path:
        """In the user's cache folder, by id and by place: a copied bucket has the same id and not the same packs."""
        base = os.environ.get("XDG_CACHE_HOME", "")
        caches = Path(base) if Path(base).is_absolute() else Path("~/.cache").expanduser()
        return caches / "weighbridge" / f"{store_id}-{self._place}"

    @property
    def distant(self) -> bool:
        return True

    def get(self, key: str) -> bytes:
        return self._try(key, lambda: bytes(obstore.get(self._store, key).bytes()))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        return self._try(key, lambda: self._get_range(key, offset, length))

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        requests = join(ranges)
        if len(requests) == 1:
            bodies = [self.get_range(key, requests[0].offset, requests[0].length)]
        else:
            bodies = list(self._pool.map(lambda one: self.get_range(key, one.offset, one.length), requests))
        found: dict[int, bytes] = {}
        for request, body in zip(requests, bodies, strict=True):
            for number in request.members:
                low = ranges[number][0] - request.offset
                found[number] = body[low : low + ranges[number][1]]
        return [found[number] for number in range(len(ranges))]

    def put(self, key: str, parts: Sequence[bytes], *, replace: bool = False) -> bool:
        """As `Backend.put`. A server that knows no conditional writes may let a second writer replace an object that
        came at the same moment: see `exclusive`.
        """
        size = sum(map(len, parts))
        if not replace and self._holds(key):
            return False
        try:
            self._try(key, lambda: self._put(key, parts, size, replace))
        except Exists:
            return False
        return True

    def list(self, prefix: str) -> Iterator[Listed]:
        for batch in self._try(prefix, lambda: list(obstore.list(self._store, prefix or None, chunk_size=1000))):
            for found in batch:
                yield Listed(str(found["path"]), int(found["size"]), found["last_modified"].timestamp())

    def delete(self, key: str) -> None:
        with suppress(ObjectNotFoundError):
            self._try(key, lambda: obstore.delete(self._store, key))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _try(self, key: str, work: Callable[[], T]) -> T:
        """Do it again where a connection was lost under it."""
        where = f"{self.location}/{key}".rstrip("/")
        with told_by_s3(where):
            for pause in range(TRIES - 1):
                try:
                    return work()
                except (BaseError, OSError) as error:
                    if not is_cut(error):
                        raise
                time.sleep(PAUSE_SECONDS * 2**pause)
            return work()

    def _get_range(self, key: str, offset: int, length: int) -> bytes:
        try:
            if self._unmarked_ranges:
                return _signed.get_range(obstore.sign(self._store, "GET", key, URL_LIFETIME), offset, length)
            return bytes(obstore.get_range(self._store, key, start=offset, length=length))
        except (BaseError, OSError) as error:
            if is_past_end(error):
                return b""
            if not is_unmarked_range(error):
                raise
        self._unmarked_ranges = True
        return self._get_range(key, offset, length)

    def _put(self, key: str, parts: Sequence[bytes], size: int, replace: bool) -> None:
        if size > PART_BYTES:
            return self._put_in_parts(key, parts, size, replace)
        mode = "overwrite" if replace else "create"
        obstore.put(self._store, key, b"".join(parts), mode=mode, use_multipart=False)  # type: ignore[arg-type]
        return None

    def _put_in_parts(self, key: str, parts: Sequence[bytes], size: int, replace: bool) -> None:
        """Unconditionally: only packs are so large, and two writers of one write the same."""
        try:
            obstore.put(
                self._store,
                key,
                list(parts),
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
        except (BaseError, OSError) as error:
            # Where the answer to the upload's end was lost, asking again finds that there is no such upload any more.
            if replace or not is_ended_upload(error) or obstore.head(self._store, key)["size"] != size:
                raise

    def _holds(self, key: str) -> bool:
        try:
            self._try(key, lambda: obstore.head(self._store, key))
        except ObjectNotFoundError:
            return False
        return True

    def _ask_exclusive(self) -> bool:
        key = f"{TMP}{uuid.uuid4().hex}"
        try:
            for content in (b"first", b"second"):
                self._try(key, lambda content=content: obstore.put(self._store, key, content, mode="create"))  # type: ignore[misc]
        except Exists:
            return True
        finally:
            self.delete(key)
        return False


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _ensure_machine_has_keys(where: str) -> None:
    """Say at once that no key was given, instead of asking for a minute and a half who is not there."""
    try:
        socket.create_connection(_MACHINE_KEYS, REACH_SECONDS).close()
    except OSError as error:
        hint = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        raise StoreUnavailableError("no key for the S3 server was given", where=where, hint=hint) from error


def _ensure_reachable(endpoint: str, where: str) -> None:
    """Say at once that nobody listens there, instead of trying for a minute and a half."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("AWS_ENDPOINT_URL is not a URL such as https://s3.example.org", where=where)
    try:
        socket.create_connection((parts.hostname, port), REACH_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error) or "no answer"
        hint = "Set AWS_ENDPOINT_URL to your server (and AWS_REGION, if it is that of AWS); check that it runs."
        raise StoreUnavailableError(f"the S3 server cannot be reached: {reason}", where=where, hint=hint) from error
