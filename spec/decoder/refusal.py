"""How this decoder reads fields, and how it says no."""


class RefusedError(Exception):
    """Bytes that the text does not allow.

    `byte` counts from 0 in the object named by `where`, or in the payload where nothing is named; `rule` is what the
    text says there, `found` what stands there instead.
    """

    def __init__(self, byte: int, rule: str, found: object = None, where: str = "payload") -> None:
        self.byte, self.rule, self.found, self.where = byte, rule, found, where
        tail = "" if found is None else f" (found {found!r})"
        super().__init__(f"{where}, byte {byte}: {rule}{tail}")

    def inside(self, where: str) -> "RefusedError":
        """The same refusal, told of the payload that stands at `where`."""
        return type(self)(self.byte, self.rule, self.found, where)


class UnknownError(RefusedError):
    """Bytes of a version or codec that this decoder does not know. They may be right."""


class MissingError(Exception):
    """Something that the store does not hold: a name, a file, a block."""


class Cursor:
    """Takes the fields of `data` one after another, from byte `at` up to byte `end`.

    `data` begins at byte `first` of the object that refusals name.
    """

    def __init__(
        self, data: bytes, where: str = "payload", at: int = 0, end: int | None = None, first: int = 0
    ) -> None:
        self.data, self.where, self.at, self.first = data, where, at, first
        self.end = len(data) if end is None else end

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes."""
        left = self.end - self.at
        if count > left:
            raise self.refused(f"{what} has {count} bytes", f"{left} bytes")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int, what: str, low: int = 0, high: int | None = None) -> int:
        """The next unsigned little-endian integer of `size` bytes, which must be in `low` … `high`."""
        value = int.from_bytes(self.take(size, what), "little")
        high = 256**size - 1 if high is None else high
        if not low <= value <= high:
            raise self.refused(f"{what} is {low} … {high}", value, back=size)
        return value

    def finish(self) -> None:
        """Refuse bytes that are left."""
        if self.at != self.end:
            raise self.refused("nothing follows", f"{self.end - self.at} bytes left over")

    def refused(self, rule: str, found: object = None, back: int = 0) -> RefusedError:
        """A refusal of what stands here, or of the field of `back` bytes that was just taken."""
        return RefusedError(self.first + self.at - back, rule, found, self.where)
