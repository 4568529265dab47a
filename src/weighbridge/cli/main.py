"""The entry point: finds the command's module, runs it, and tells errors as people and programs need them."""

from __future__ import annotations

import os
import sys

from weighbridge.cli import _process
from weighbridge.errors import StorageFullError, WeighbridgeError

INTERRUPTED = 130


def main() -> None:
    """Run `weigh` and leave with the status that the outcome deserves."""
    _process.settle()
    _open_closed_streams()
    sys.exit(run(sys.argv[1:]))


def _open_closed_streams() -> None:
    """Write to nowhere where the caller closed a stream, as `>&-` does: Python then has None in its place."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (it lives as we do)


def run(arguments: list[str]) -> int:
    """Run one command. Returns the exit status; a `WeighbridgeError` becomes two lines on stderr, never a traceback."""
    try:
        if arguments[:1] == ["scan"] and (status := _scan_at_once(arguments[1:])) is not None:
            return status
        from weighbridge.cli._app import run_typer

        run_typer(arguments)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:  # Typer catches Ctrl-C too, and says nothing
            _tell_interrupted(arguments)
        return leaving.code if isinstance(leaving.code, int) else 0
    except WeighbridgeError as error:
        return _tell(error)
    except KeyboardInterrupt:
        _tell_interrupted(arguments)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _tell(_from_system(error))
    return 0


# What an interruption leaves, for the commands that take long.
_KEPT = {
    "pack": "What is stored already is kept and will not be coded again",
    "unpack": "Files that were whole are kept, the one under way was not written",
    "push": "What the hub has already will not be sent again",
    "store gc": "Nothing that is needed was removed",
    "store repack": "Every pack that was written is used",
    "store verify": "What was found sound will not be read again",
    "hub gc": "Nothing that is needed was removed",
}


def _tell_interrupted(arguments: list[str]) -> None:
    _say("weigh: interrupted")
    words = [word for word in arguments if not word.startswith("-")]
    kept = _KEPT.get(" ".join(words[:2])) or _KEPT.get(" ".join(words[:1]))
    if kept:
        _say(f"       {kept}: the same command goes on.")


def _from_system(error: OSError) -> WeighbridgeError:
    import errno

    where = str(error.filename or "")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError("no space is left on the device", where=where)
    return WeighbridgeError(error.strerror or str(error), where=where)


def _tell(error: WeighbridgeError) -> int:
    _say(f"weigh: {error} [{error.code}]")
    if error.hint:
        _say(f"       {error.hint}")
    return error.exit_status


def _say(line: str) -> None:
    print(line.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)  # noqa: T201


def _scan_at_once(arguments: list[str]) -> int | None:
    """Scan without importing Typer, which takes longer than to scan a small file; None where Typer has to tell more."""
    from weighbridge.cli._scan import plain_arguments, run_scan

    asked = plain_arguments(arguments)
    return None if asked is None else run_scan(asked)
