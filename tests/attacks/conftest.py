"""What an attack test measures: that a refusal is cheap, and safe to print."""

import time
import tracemalloc
from contextlib import contextmanager

import pytest


@pytest.fixture
def cheaply():
    """A block that must end within some seconds of work and some megabytes of new memory."""

    @contextmanager
    def limits(*, seconds=2.0, megabytes=8):
        tracemalloc.start()
        began = time.process_time()
        try:
            yield
            took, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert took < seconds, f"took {took:.1f} s"
        assert peak < megabytes * 2**20, f"took {peak / 2**20:.0f} MiB"

    return limits
