"""What the scanner promises whatever the judges say: one verdict a file, danger before error, bounds, no way out."""

import gzip
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from programs import CALL, HARMLESS, tarred, zipped

from weighbridge.errors import LimitError, UnsafePathError
from weighbridge.scan import Status, exit_status, limits, scan, scanner


def test_a_folder_gives_a_verdict_a_file_in_the_order_of_names(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "evil.pkl").write_bytes(CALL)
    (tmp_path / "a.txt").write_text("words")
    found = [(verdict.path.removeprefix(str(tmp_path)), verdict.status) for verdict in scan([str(tmp_path)])]
    assert found == [("/a.txt", Status.CLEAN), ("/b/evil.pkl", Status.DANGEROUS)]


def test_what_cannot_be_read_never_hides_what_is_dangerous(verdict_on):
    torn = gzip.compress(CALL + os.urandom(100_000))[:-50_000]
    verdict = verdict_on(torn, "model.pkl.gz")
    assert verdict.errors
    assert verdict.status is Status.DANGEROUS


def test_a_path_that_is_not_there_is_an_error_and_the_others_are_still_scanned(tmp_path):
    (tmp_path / "evil.pkl").write_bytes(CALL)
    verdicts = list(scan([str(tmp_path / "nowhere"), str(tmp_path / "evil.pkl")]))
    assert [verdict.status for verdict in verdicts] == [Status.ERROR, Status.DANGEROUS]
    assert exit_status(verdicts) == 1
    assert exit_status(verdicts[:1]) == 2
    assert exit_status([]) == 0


@pytest.mark.parametrize("wrap", [tarred, zipped])
def test_members_are_judged_at_any_depth_and_named(verdict_on, wrap):
    inner = wrap({"notes.txt": b"words", "deep/evil.pkl": CALL})
    verdict = verdict_on(zipped({"inner.bin": gzip.compress(inner)}), "outer.zip")
    (found,) = verdict.findings
    assert verdict.status is Status.DANGEROUS
    assert found.member.endswith("!deep/evil.pkl")
    assert found.member.startswith("inner.bin!")
    assert (found.offset, found.opcode) == (17, "STACK_GLOBAL")


def test_archives_within_archives_have_an_end(verdict_on):
    data = HARMLESS
    for _ in range(limits.MAX_DEPTH + 2):
        data = gzip.compress(data)
    verdict = verdict_on(data, "matryoshka.gz")
    assert verdict.status is Status.ERROR
    assert isinstance(verdict.errors[0], LimitError)


def test_a_bomb_is_an_error_within_bounds(verdict_on, monkeypatch):
    monkeypatch.setattr("weighbridge.scan.inflating.MAX_INFLATED", 1 << 20)
    verdict = verdict_on(gzip.compress(bytes(8 << 20)), "model.pkl")
    assert isinstance(verdict.errors[0], LimitError)


def test_many_small_bombs_share_one_allowance(verdict_on, monkeypatch):
    monkeypatch.setattr(scanner, "Allowance", lambda: limits.Allowance(inflated=3 << 20))
    verdict = verdict_on(tarred({f"{place}.gz": gzip.compress(bytes(1 << 20)) for place in range(5)}), "many.tar")
    assert isinstance(verdict.errors[0], LimitError)


def test_a_link_out_of_the_folder_is_told_and_not_followed(tmp_path):
    (tmp_path / "outside.pkl").write_bytes(CALL)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link.pkl").symlink_to("../outside.pkl")
    (verdict,) = scan([str(tmp_path / "folder")])
    assert isinstance(verdict.errors[0], UnsafePathError)
    assert verdict.status is Status.ERROR


def test_links_of_the_hugging_face_cache_are_followed(tmp_path):
    snapshot = tmp_path / "models--org--name" / "snapshots" / "abc"
    blobs = tmp_path / "models--org--name" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "0123").write_bytes(CALL)
    (snapshot / "pytorch_model.bin").symlink_to("../../blobs/0123")
    (verdict,) = scan([str(snapshot)])
    assert verdict.status is Status.DANGEROUS


def test_a_pipe_or_device_is_an_error_and_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (verdict,) = scan([str(tmp_path)])
    assert verdict.status is Status.ERROR


def test_imports_that_the_user_vouches_for_are_not_told(tmp_path):
    (tmp_path / "mine.pkl").write_bytes(b"\x80\x04\x8c\x06mycode\x8c\x04Load\x93)R.")
    assert next(scan([str(tmp_path)])).status is Status.DANGEROUS
    assert next(scan([str(tmp_path)], allowed=frozenset(["mycode:Load"]))).status is Status.CLEAN
    assert next(scan([str(tmp_path)], allowed=frozenset(["mycode:Save"]))).status is Status.DANGEROUS
