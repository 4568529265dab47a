"""What a process of `weigh` sets for itself."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import os, sys
from weighbridge.cli import _process
_process.settle()
print(os.environ["OPENBLAS_NUM_THREADS"], "numpy" in sys.modules)
"""


def run(**environment):
    command = [sys.executable, "-c", LOOK]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()


def test_linear_algebra_has_one_thread_and_numpy_was_not_loaded_before_that():
    assert run() == ["1", "False"]


def test_what_the_user_set_stays():
    assert run(OPENBLAS_NUM_THREADS="2") == ["2", "False"]
