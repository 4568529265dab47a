"""How much the hub holds, told at once and never on a request's time: adding it up reads every manifest."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from weighbridge.store import StoreStat

log = logging.getLogger("weighbridge.server.web")

_FRESH_SECONDS: Final = 300.0


class Held:
    """The sum as it was when it was last added up; asking for an old one has it added up again meanwhile."""

    def __init__(self, add_up: Callable[[], StoreStat]) -> None:
        self._add_up = add_up
        self._sum: StoreStat | None = None
        self._due = 0.0
        self._adding = threading.Lock()

    def get(self) -> StoreStat | None:
        """The last sum, None before the first."""
        if time.monotonic() >= self._due and self._adding.acquire(blocking=False):
            threading.Thread(target=self._refresh, name="held", daemon=True).start()
        return self._sum

    def _refresh(self) -> None:
        try:
            self._sum = self._add_up()
        except Exception:  # the page then says nothing of it, and asks again later
            log.exception("cannot add up what the store holds")
        finally:
            self._due = time.monotonic() + _FRESH_SECONDS
            self._adding.release()
