"""A hub to speak to, and its errors told as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from weighbridge.errors import (
    EntryNotFoundError,
    ForbiddenError,
    InvalidNameError,
    RemoteError,
    RepoNotFoundError,
    RevisionNotFoundError,
    StaleParentError,
    UnauthenticatedError,
    UsageError,
    WeighbridgeError,
)

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_BY_STATUS: dict[int, type[WeighbridgeError]] = {
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: EntryNotFoundError,
    412: StaleParentError,
}


@dataclass(frozen=True, slots=True)
class Remote:
    """A hub's URL and a token. Without a token, the one that `hf auth login` saved is used, if any."""

    url: str
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(f"a hub's address begins with http:// or https://, found {self.url!r}")

    def api(self) -> HfApi:
        """huggingface_hub's client for this hub."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.url.rstrip("/"), token=self.token, library_name="weighbridge")

    @contextmanager
    def telling(self, subject: str) -> Iterator[None]:
        """Within this block, what huggingface_hub raises comes out as our errors, told about `subject`."""
        from huggingface_hub import errors as theirs

        # The HTTP library's own root of errors; huggingface_hub changed libraries between 1.x and 2.x.
        transport_error = cast("type[Exception]", theirs.HfHubHTTPError.__mro__[1])

        try:
            yield
        except theirs.RepositoryNotFoundError as error:
            raise RepoNotFoundError(f"{self.url} has no repository {subject} that this token may see") from error
        except theirs.RevisionNotFoundError as error:
            raise RevisionNotFoundError("there is no such revision", where=subject) from error
        except theirs.EntryNotFoundError as error:
            raise EntryNotFoundError(_reason(error), where=subject) from error
        except theirs.HFValidationError as error:
            raise InvalidNameError(str(error), where=subject) from error
        except theirs.HfHubHTTPError as error:
            raise _from_status(error, subject) from error
        except (transport_error, ConnectionError) as error:
            hint = "Is the hub running, and is the address right?"
            raise RemoteError(f"cannot be reached: {error}", where=self.url, hint=hint) from error


def _from_status(error: Exception, subject: str) -> WeighbridgeError:
    response = getattr(error, "response", None)
    status = response.status_code if response is not None else 0
    return _BY_STATUS.get(status, RemoteError)(_reason(error), where=subject)


def _reason(error: Exception) -> str:
    """What the server said, without the request id and address that huggingface_hub wraps around it."""
    message = getattr(error, "server_message", None)
    return message or " ".join(str(error).split())
