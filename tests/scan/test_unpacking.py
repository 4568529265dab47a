"""Archives that would write, or lead, outside of the folder that they are unpacked into."""

import io
import tarfile
import zipfile

import pytest

from weighbridge.scan import Status, scan


def zipped(path, *members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


def tarred(path, *members, form=tarfile.GNU_FORMAT):
    with tarfile.open(path, "w", format=form) as archive:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = 5 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"hello"))
    return path


def rules(path):
    (verdict,) = scan([path])
    return verdict.status, {found.rule.id for found in verdict.findings}


@pytest.mark.parametrize(
    ("name", "dangerous"),
    [
        ("../outside.txt", True),
        ("a/../../outside.txt", True),
        ("/etc/outside.txt", True),
        ("..\\outside.txt", True),
        ("C:\\outside.txt", True),
        ("link/../x", True),
        ("a/b..c/d.txt", False),
        ("./a.txt", False),
        ("~cache/a.txt", False),
    ],
)
def test_names_that_lead_elsewhere(tmp_path, name, dangerous):
    for path in (
        zipped(tmp_path / "a.zip", (name, "hello", 0o100644)),
        tarred(tmp_path / "a.tar", (name, tarfile.REGTYPE, "")),
        tarred(tmp_path / "b.tar", (name + "x" * 200, tarfile.REGTYPE, "")),
        tarred(tmp_path / "c.tar", (name + "x" * 200, tarfile.REGTYPE, ""), form=tarfile.PAX_FORMAT),
    ):
        status, found = rules(path)
        assert (status is Status.DANGEROUS) == dangerous, path
        assert ("archive.slip" in found) == dangerous, path


@pytest.mark.parametrize(
    ("target", "dangerous"),
    [("../b.txt", False), ("b.txt", False), ("../../b.txt", True), ("/etc/passwd", True), ("../" * 60 + "b", True)],
)
def test_links_that_lead_out(tmp_path, target, dangerous):
    for path in (
        zipped(tmp_path / "a.zip", ("folder/link", target, 0o120777)),
        tarred(tmp_path / "a.tar", ("folder/link", tarfile.SYMTYPE, target)),
        tarred(tmp_path / "b.tar", ("folder/link", tarfile.SYMTYPE, target), form=tarfile.PAX_FORMAT),
    ):
        status, found = rules(path)
        assert (status is Status.DANGEROUS, "archive.link-outside" in found) == (dangerous, dangerous), path


def test_hard_links_are_named_from_the_top(tmp_path):
    assert rules(tarred(tmp_path / "a.tar", ("folder/link", tarfile.LNKTYPE, "folder/b")))[0] is Status.CLEAN
    assert rules(tarred(tmp_path / "b.tar", ("folder/link", tarfile.LNKTYPE, "../b")))[0] is Status.DANGEROUS


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices(tmp_path, kind):
    status, found = rules(tarred(tmp_path / "a.tar", ("device", kind, "")))
    assert (status, found) == (Status.DANGEROUS, {"archive.device"})
