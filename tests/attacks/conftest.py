"""What an attack test measures: that a refusal is cheap, and safe to print."""

import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import pytest

SECONDS = 60  # each takes well under one; what an attacker could make quadratic would take hours


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture
def cheaply():
    """A block that must end within some megabytes of new memory."""

    @contextmanager
    def limits(*, megabytes=8):
        tracemalloc.start()
        try:
            yield
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < megabytes * 2**20, f"took {peak / 2**20:.0f} MiB"

    return limits
