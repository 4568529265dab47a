"""What `push` and `pull` share: which hub, and as whom."""

from __future__ import annotations

from weighbridge.client import Remote
from weighbridge.errors import UsageError


def remote_from(hub: str, token: str | None) -> Remote:
    """The hub of the command line. There is no default: publishing to the wrong hub cannot be undone."""
    if not hub:
        raise UsageError("no hub was named", hint="Give --hub http://… or set HF_ENDPOINT.")
    return Remote(hub, token)
