"""Notebooks and scripts beside weights: commands that fetch a program and run it, and outputs that are active."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from weighbridge.report.model import Severity
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.texts.markup import Deed, active
from weighbridge.scan.trees import json_of, text_of

_SCRIPTS = frozenset({".py", ".sh", ".bash", ".zsh", ".ps1", ".bat"})
_MOST = 8 << 20
_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_SHELL = r"(?:ba|z|da|k)?sh\b|python[0-9.]*\b|perl\b|node\b|ruby\b"
_DECODERS = r"(?:b64decode|b32decode|b85decode|a85decode|decompress|unhexlify|fromhex|loads)"


class FetchesAndRuns(Rule):
    """A script or a notebook fetches a program and runs it unseen.

    ``curl … | sh`` and its like run whatever the other side answers at that moment, which may differ from what anybody
    looked at.

    What to do: do not run it; fetch what it fetches and read that.
    """

    id = "script.fetches-and-runs"
    sure = Sure.LIKELY
    hint = "Do not run it; fetch what it fetches, and read that."


class HiddenCode(Rule):
    """A script or a notebook runs code that it keeps encoded.

    Text in base64 or compressed bytes that are decoded only to be executed: somebody did not want it read.

    What to do: do not run it.
    """

    id = "script.hidden-code"
    sure = Sure.LIKELY
    hint = "Do not run it: it hides what it runs."


class ReverseShell(Rule):
    """A script or a notebook opens a shell for somebody elsewhere.

    What to do: do not run it, and do not trust whatever else its author made.
    """

    id = "script.reverse-shell"
    sure = Sure.LIKELY
    hint = "Do not run it."


class ActiveOutput(Rule):
    """An output that is kept in a notebook runs a script when the notebook is shown.

    Plots that can be turned and zoomed do so rightly. Viewers that do not ask run whatever is there.

    What to do: clear the outputs, or show the notebook only where scripts of outputs are not trusted.
    """

    id = "notebook.active-output"
    severity = Severity.INFO
    sure = Sure.SUSPECTED
    hint = "Clear the outputs before you publish or trust it."


# A rule, words of which one must occur (a search for them is quick), and what is then looked for.
_PATTERNS: tuple[tuple[type[Rule], tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (rule, words, re.compile(pattern, re.IGNORECASE))
    for rule, words, pattern in (
        (
            FetchesAndRuns,
            ("curl", "wget"),
            rf"\b(?:curl|wget)\b[^\n|;&]{{1,400}}\|\s*(?:sudo\s+)?(?:env\s+)?(?:{_SHELL})",
        ),
        (FetchesAndRuns, ("curl", "wget"), rf"(?:{_SHELL})\s+(?:-c\s+)?[\"']?(?:<\(|\$\(|`)\s*(?:curl|wget)\b"),
        (
            FetchesAndRuns,
            ("iex", "IEX", "nvoke-"),
            r"\b(?:iex|invoke-expression)\b[^\n]{0,200}(?:downloadstring|invoke-webrequest|\biwr\b|\birm\b)",
        ),
        (
            FetchesAndRuns,
            ("iex", "IEX", "nvoke-"),
            r"(?:downloadstring|invoke-webrequest|\biwr\b|\birm\b)[^\n]{0,300}\|\s*(?:iex|invoke-expression)\b",
        ),
        (
            FetchesAndRuns,
            ("exec",),
            r"\bexec\s*\(\s*(?:compile\s*\(\s*)?(?:\w{1,60}\.){0,6}(?:urlopen|get)\s*\(\s*[^\n)]{0,300}https?://",
        ),
        (
            HiddenCode,
            ("exec", "eval"),
            rf"\b(?:exec|eval)\s*\(\s*(?:compile\s*\(\s*)?(?:(?:\w{{1,60}}|__import__\([^)]{{0,60}}\))\.){{0,6}}{_DECODERS}\s*\(",
        ),
        (HiddenCode, ("marshal",), r"\b__import__\s*\(\s*[\"']marshal[\"']\s*\)\s*\.\s*loads"),
        (
            HiddenCode,
            ("base64",),
            r"\bbase64\s+(?:-d|--decode|-D)\b[^\n|]{0,100}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b",
        ),
        (HiddenCode, ("pickle",), rf"\bpickle\.loads\s*\(\s*(?:\w{{1,60}}\.){{0,6}}{_DECODERS[:-7]})\s*\("),
        (ReverseShell, ("/dev/tcp", "/dev/udp"), r"/dev/(?:tcp|udp)/[^\s/]{1,200}/(?:\d+|\$)"),
        (ReverseShell, ("nc ", "ncat "), r"\bnc(?:at)?\b[^\n|;]{0,100}\s-(?:e|c)\s*/?(?:bin/)?(?:ba)?sh"),
        (ReverseShell, ("dup2",), r"\bos\.dup2\s*\(\s*\w+\.fileno\s*\(\s*\)\s*,\s*0\s*\)"),
    )
)
_STARTS = re.compile(
    r"\b(?:system|popen\d?|run|call|check_call|check_output|getoutput|spawn\w*)\s*\([^)]*$", re.IGNORECASE
)


class NotebookJudge:
    """See the module."""

    name = "notebook"
    rules = (FetchesAndRuns, HiddenCode, ReverseShell, ActiveOutput)

    def recognises(self, item: Item) -> bool:
        return item.extension == ".ipynb" or item.extension in _SCRIPTS

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        if item.extension != ".ipynb":
            text = _without_comments(item.read(_MOST).decode("utf-8", "replace"))
            yield from _code(text, "", started=item.extension == ".py")
            return
        tree = json_of(text_of(item), item.name)
        cells = tree.get("cells") if isinstance(tree, dict) else None
        for number, cell in enumerate(cells if isinstance(cells, list) else [], start=1):
            if isinstance(cell, dict) and cell.get("cell_type") == "code":
                yield from _code(_joined(cell.get("source")), f" in cell {number}")
                yield from _outputs(cell.get("outputs"), number)


def _code(text: str, where: str, *, started: bool = False) -> Iterator[Found]:
    """What the text of a program runs. `started`: commands for a shell count where something starts them."""
    told: set[type[Rule]] = set()
    for rule, words, pattern in _PATTERNS:
        if rule in told or not any(word in text for word in words):
            continue
        for found in pattern.finditer(text):
            if not (started and rule is FetchesAndRuns) or _is_started(text, found):
                told.add(rule)
                line = text.count("\n", 0, found.start()) + 1
                yield rule.found(f"has {' '.join(found[0].split())[:120]!r} in line {line}{where}")
                break


def _is_started(text: str, found: re.Match[str]) -> bool:
    """Whether what stands before a command in Python starts it, rather than prints how to install something."""
    return found[0].startswith("exec") or bool(_STARTS.search(text[max(0, found.start() - 200) : found.start()]))


def _without_comments(text: str) -> str:
    """Lines that are nothing but a comment tell how something is installed; they do not run."""
    return _COMMENT.sub("", text)


def _outputs(outputs: Any, number: int) -> Iterator[Found]:
    for output in outputs if isinstance(outputs, list) else []:
        data = output.get("data") if isinstance(output, dict) else None
        for kind, value in data.items() if isinstance(data, dict) else []:
            runs = kind == "application/javascript" or (
                kind in ("text/html", "image/svg+xml", "text/markdown")
                and any(each.deed in (Deed.SCRIPT, Deed.HANDLER, Deed.ADDRESS) for each in active(_joined(value)))
            )
            if runs:
                yield ActiveOutput.found(f"keeps an output of {kind[:60]} that runs a script, of cell {number}")


def _joined(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    return "".join(part for part in parts if isinstance(part, str))


NOTEBOOKS = NotebookJudge()
