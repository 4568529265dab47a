from __future__ import annotations

import threading
import time

import pytest

from weighbridge.server.web.held import Held
from weighbridge.server.web.remember import Remembered
from weighbridge.store import StoreStat


def test_what_was_found_is_not_looked_for_again():
    remembered: Remembered[int] = Remembered(2)
    looked = []
    for key in ("a", "b", "a", "c", "a", "b"):
        remembered.get(key, lambda key=key: looked.append(key) or len(looked))
    assert looked == ["a", "b", "c", "b"]
    assert len(remembered) == 2


def test_a_failure_is_not_remembered():
    remembered: Remembered[int] = Remembered(2)
    with pytest.raises(ZeroDivisionError):
        remembered.get("a", lambda: 1 // 0)
    assert remembered.get("a", lambda: 7) == 7


def test_a_provisional_value_is_found_again():
    remembered: Remembered[int] = Remembered(2)
    values = iter([0, 0, 5, 6])
    found = [remembered.get("a", lambda: next(values), keep=lambda value: value > 0) for _ in range(4)]
    assert found == [0, 0, 5, 5]


def _wait(held: Held) -> StoreStat | None:
    for _ in range(200):
        if (found := held.get()) is not None:
            return found
        time.sleep(0.01)
    return None


def test_the_sum_is_never_waited_for():
    stat = StoreStat(1, 0, 1, 1, 10, 10, 5, ())
    summed = threading.Event()
    held = Held(lambda: summed.wait(60) and stat)
    assert held.get() is None
    summed.set()
    assert _wait(held) == stat


def test_a_sum_that_fails_is_logged_and_says_nothing(caplog):
    held = Held(lambda: 1 // 0)
    held.get()
    for _ in range(200):
        if "ZeroDivisionError" in caplog.text:
            break
        time.sleep(0.01)
    assert "cannot add up" in caplog.text
    assert held.get() is None
