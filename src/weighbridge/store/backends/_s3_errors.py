"""What an S3 server or the way to it complains of, as our errors, with what to do about it.

obstore gives the server's answer only in its text. Of that text nothing is passed on but the code: it holds the
endpoint, and may hold more than people should paste into a bug report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from weighbridge.errors import ObjectNotFoundError, StorageFullError, StoreUnavailableError, WeighbridgeError

_STATUS = re.compile(r"status code: (\d{3})|HTTP Error (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_CUT = ("HTTP error", "error decoding response", "error sending", "timed out", "closed")
_RETRIED = re.compile(r"after (\d+) retries")

_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, if your key came with one)."
_AGAIN = StoreUnavailableError.default_hint
_REACH = "Check AWS_ENDPOINT_URL, and that this machine can reach it; then run the same command again."

# By code of the answer: what it means, and what to do.
_MEANINGS: dict[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no such bucket", "Create the bucket, or check its name and AWS_ENDPOINT_URL."),
    "NoSuchUpload": ("the server forgot an upload in the middle of it", _AGAIN),
    "AccessDenied": ("the key may not do this", "Give the key the right to list, read, write and delete there."),
    "AllAccessDisabled": ("the bucket is closed", "Ask the owner of the bucket."),
    "InvalidAccessKeyId": ("the server does not know the access key", _KEYS),
    "SignatureDoesNotMatch": ("the secret key is not the one that belongs to the access key", _KEYS),
    "ExpiredToken": ("the session token has expired", "Get a new one and set AWS_SESSION_TOKEN."),
    "InvalidToken": ("the session token is not valid", _KEYS),
    "RequestTimeTooSkewed": ("this machine's clock is wrong", "Set the clock, then run the same command again."),
    "PermanentRedirect": ("the bucket is in another region", "Set AWS_REGION to the bucket's region."),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "Set AWS_REGION to the bucket's region."),
    "IllegalLocationConstraintException": ("the bucket is in another region", "Set AWS_REGION to its region."),
    "SlowDown": ("the server asks to slow down, and did so until we gave up", _AGAIN),
    "ServiceUnavailable": ("the server is not available, and was not until we gave up", _AGAIN),
    "InternalError": ("the server failed, and did so until we gave up", _AGAIN),
}
_FULL = ("QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "InsufficientCapacity")
_BY_STATUS = {
    "301": "PermanentRedirect",
    "401": "InvalidAccessKeyId",
    "403": "AccessDenied",
    "429": "SlowDown",
    "500": "InternalError",
    "502": "ServiceUnavailable",
    "503": "ServiceUnavailable",
    "504": "ServiceUnavailable",
    "507": "InsufficientStorage",
}


class Exists(Exception):  # noqa: N818 - an answer, not a failure
    """There is such an object already, so a conditional write did not write."""


@contextmanager
def told_by_s3(where: str) -> Iterator[None]:
    """Raises our errors for those of obstore, and `Exists` where the condition of a write was not met."""
    try:
        yield
    except (AlreadyExistsError, PreconditionError):
        raise Exists from None
    except (BaseError, OSError) as error:
        raise translate(error, where) from error


def translate(error: Exception, where: str) -> WeighbridgeError:
    text = str(error)
    code = _code(text)
    if code == "NoSuchKey" or (isinstance(error, FileNotFoundError) and code not in ("NoSuchBucket", "NoSuchUpload")):
        return ObjectNotFoundError("the store has no such object", where=where)
    if code in _FULL:
        return StorageFullError("the server has no room for it", where=where)
    if code in _MEANINGS:
        message, hint = _MEANINGS[code]
        return StoreUnavailableError(f"{message} ({code})", where=where, hint=hint)
    if "169.254.169.254" in text or "credential" in text.lower():
        return StoreUnavailableError("no key for the S3 server was given", where=where, hint=_KEYS)
    if code:
        return StoreUnavailableError(f"the server refused: {code}", where=where)
    if is_cut(error) or "error sending request" in text or isinstance(error, OSError):
        message = "the connection to the S3 server failed, also when tried again"
        return StoreUnavailableError(message, where=where, hint=_REACH)
    return StoreUnavailableError(f"obstore failed: {_first_words(text)}", where=where)


def is_cut(error: Exception) -> bool:
    """Whether this is a lost connection or a passing failure that nobody has tried again yet."""
    text = str(error)
    if is_ended_upload(error):
        return True
    if _RETRIED.search(text):
        return False
    status = _status(text)
    if status:
        return status in ("408", "429", "500", "502", "503", "504")
    return any(
        sign in text for sign in ("HTTP error", "error decoding response", "error sending", "timed out", "closed")
    )


def is_ended_upload(error: Exception) -> bool:
    """Whether the server knows no such multipart upload: it was completed or given up."""
    return _code(str(error)) == "NoSuchUpload"


def is_past_end(error: Exception) -> bool:
    """Whether a range began past the end of its object."""
    return _status(str(error)) == "416"


def is_unmarked_range(error: Exception) -> bool:
    """Whether the server answered a ranged GET with status 200, which obstore does not take."""
    return "non-partial response" in str(error)


def _code(text: str) -> str:
    found = _CODE.search(text)
    return found.group(1) if found else _BY_STATUS.get(_status(text), "")


def _status(text: str) -> str:
    found = _STATUS.search(text)
    return next(filter(None, found.groups())) if found else ""


def _first_words(text: str) -> str:
    """The first line without anything like a URL."""
    return re.sub(r"\S+://\S+", "…", text.split("\n", 1)[0])[:200]
