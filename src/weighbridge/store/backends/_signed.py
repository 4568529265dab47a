"""Ranges by a signed URL, for servers that answer a ranged GET with status 200.

`rclone serve s3` (1.75) sends the right bytes and the right Content-Range, but says 200 instead of 206. obstore takes
that for an answer without range and refuses it. So we ask ourselves, and believe Content-Range.
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request

SECONDS = 60

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(?:\d+|\*)")


def get_range(url: str, offset: int, length: int) -> bytes:
    """The bytes from `offset` on, up to `length` of them. Raises `OSError`, also for a body that is cut off."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={offset}-{offset + length - 1}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - a URL that obstore signed
            first = _first_byte(answer.headers.get("Content-Range", ""))
            if first != offset:
                raise OSError("the server does not know ranges")
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        body = error.read(4096).decode("utf-8", "replace")
        raise OSError(f"HTTP Error {error.code} {body}") from None
    except http.client.IncompleteRead as error:
        raise OSError(f"connection closed: {error}") from None
    except http.client.HTTPException as error:
        raise OSError(f"connection closed: {type(error).__name__}") from None


def _first_byte(header: str) -> int | None:
    found = _CONTENT_RANGE.fullmatch(header)
    return int(found.group(1)) if found else None
