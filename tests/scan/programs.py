"""Pickles written opcode by opcode. What they would do is harmless, and nothing here loads them."""

import io
import struct
import tarfile
import zipfile

TRUE = b"\x8c\x04true"
CALL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93" + TRUE + b"\x85R."
OLD_CALL = b"cposix\nsystem\n(S'true'\ntR."
HARMLESS = b"\x80\x04]\x94(K\x01K\x02e."


def text(value: str) -> bytes:
    """A string as protocol 4 writes it."""
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + struct.pack("<I", len(data)) + data


def named(module: str, name: str) -> bytes:
    """An import, by two strings and STACK_GLOBAL."""
    return text(module) + text(name) + b"\x93"


def program(*parts: bytes, protocol: int = 4) -> bytes:
    return b"\x80" + bytes([protocol]) + b"".join(parts) + b"."


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
