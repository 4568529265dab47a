"""What `anatomy` and `statistics` measure, as typed values: the checks build them, the renderers read them.

A `CheckResult` keeps its facts as plain JSON, so that a report can be saved and read by anything. These classes are
the same facts with names and types; ``X.from_json(x.to_json()) == x`` for each of them. Fields are documented in
spec/report.md. `from_json` raises `FormatError` for anything else than what `to_json` gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from weighbridge.report._read import FactReader
from weighbridge.report.model import Json, Report

Number = int | float
JsonObject = dict[str, Json]


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One tensor, unread. `layer` is the group that `Anatomy.layers` counts it in."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    layer: str
    file: str

    def to_json(self) -> JsonObject:
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "bytes": self.nbytes,
            "layer": self.layer,
            "file": self.file,
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        read = FactReader(data, "tensor")
        shape = tuple(read.ints("shape"))
        return cls(
            read.text("name"), read.text("dtype"), shape, read.int("bytes"), read.text("layer"), read.text("file")
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Tensors that share a dtype or a layer. Parameters and bytes count a tied tensor once."""

    name: str
    tensors: int
    parameters: int
    nbytes: int

    def to_json(self) -> JsonObject:
        return {"name": self.name, "tensors": self.tensors, "parameters": self.parameters, "bytes": self.nbytes}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        read = FactReader(data, "group")
        return cls(read.text("name"), read.int("tensors"), read.int("parameters"), read.int("bytes"))


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file. `format` is empty for a file that holds no weights, and for one that could not be read."""

    name: str
    format: str
    nbytes: int
    tensors: int

    def to_json(self) -> JsonObject:
        return {"name": self.name, "format": self.format, "bytes": self.nbytes, "tensors": self.tensors}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        read = FactReader(data, "file")
        return cls(read.text("name"), read.text("format"), read.int("bytes"), read.int("tensors"))


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a checkpoint is made of, from its headers alone.

    `tensors` and the sums are of the whole checkpoint; `listed` holds the tensors that were asked for, which is all of
    them unless a pattern chose some. `tied` names tensors that are the same bytes of the same file.
    """

    parameters: int
    nbytes: int
    tensors: int
    architecture: str
    dtypes: tuple[Group, ...] = ()
    layers: tuple[Group, ...] = ()
    files: tuple[FileFacts, ...] = ()
    tied: tuple[tuple[str, ...], ...] = ()
    listed: tuple[TensorFacts, ...] = ()

    def to_json(self) -> JsonObject:
        return {
            "parameters": self.parameters,
            "bytes": self.nbytes,
            "tensors": self.tensors,
            "architecture": self.architecture,
            "dtypes": [group.to_json() for group in self.dtypes],
            "layers": [group.to_json() for group in self.layers],
            "files": [file.to_json() for file in self.files],
            "tied": [list(names) for names in self.tied],
            "listed": [tensor.to_json() for tensor in self.listed],
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        read = FactReader(data, "anatomy")
        return cls(
            parameters=read.int("parameters"),
            nbytes=read.int("bytes"),
            tensors=read.int("tensors"),
            architecture=read.text("architecture"),
            dtypes=tuple(map(Group.from_json, read.list("dtypes"))),
            layers=tuple(map(Group.from_json, read.list("layers"))),
            files=tuple(map(FileFacts.from_json, read.list("files"))),
            tied=tuple(tuple(FactReader(names, "tied").texts()) for names in read.list("tied")),
            listed=tuple(map(TensorFacts.from_json, read.list("listed"))),
        )

    @classmethod
    def of(cls, report: Report) -> Self | None:
        """The anatomy in a report, or None where that check did not measure it."""
        facts = _facts(report, "anatomy")
        return cls.from_json(dict(facts)) if facts else None


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values fall in each of `len(counts)` bins of equal width between `low` and `high`, both included."""

    low: Number
    high: Number
    counts: tuple[int, ...]

    def to_json(self) -> JsonObject:
        return {"low": self.low, "high": self.high, "counts": list(self.counts)}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        read = FactReader(data, "histogram")
        return cls(read.number("low"), read.number("high"), tuple(read.ints("counts")))


@dataclass(frozen=True, slots=True)
class TensorStatistics:
    """One tensor's values in a few numbers.

    `count` is the number of elements; `nan` and `infinite` of them are not finite and take no part in the rest. Where
    nothing is finite, or a sum leaves the range of float64, the number is None. Complex values count by magnitude.
    `digest` is of the values' bytes (in little-endian, row-major order), so that equal tensors can be found.
    """

    name: str
    count: int
    nan: int
    infinite: int
    zeros: int
    minimum: Number | None
    maximum: Number | None
    mean: float | None
    std: float | None
    absolute_maximum: Number | None
    histogram: Histogram | None
    digest: str

    @property
    def constant(self) -> bool:
        """Whether all elements hold one finite value. An empty tensor, or a single element, is not called constant."""
        return self.count > 1 and not self.nan and not self.infinite and self.minimum == self.maximum

    def to_json(self) -> JsonObject:
        return {
            "name": self.name,
            "count": self.count,
            "nan": self.nan,
            "infinite": self.infinite,
            "zeros": self.zeros,
            "min": self.minimum,
            "max": self.maximum,
            "mean": self.mean,
            "std": self.std,
            "absmax": self.absolute_maximum,
            "histogram": self.histogram.to_json() if self.histogram else None,
            "digest": self.digest,
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        read = FactReader(data, "statistics")
        histogram = read.value("histogram")
        return cls(
            name=read.text("name"),
            count=read.int("count"),
            nan=read.int("nan"),
            infinite=read.int("infinite"),
            zeros=read.int("zeros"),
            minimum=read.number_or_none("min"),
            maximum=read.number_or_none("max"),
            mean=read.number_or_none("mean"),
            std=read.number_or_none("std"),
            absolute_maximum=read.number_or_none("absmax"),
            histogram=None if histogram is None else Histogram.from_json(histogram),
            digest=read.text("digest"),
        )


@dataclass(frozen=True, slots=True)
class Unread:
    """A tensor whose values could not be read, and why."""

    name: str
    code: str
    reason: str

    def to_json(self) -> JsonObject:
        return {"name": self.name, "code": self.code, "reason": self.reason}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        read = FactReader(data, "unread")
        return cls(read.text("name"), read.text("code"), read.text("reason"))


@dataclass(frozen=True, slots=True)
class Statistics:
    """Every tensor's values, read once, and those that could not be."""

    tensors: tuple[TensorStatistics, ...]
    unread: tuple[Unread, ...] = ()

    def to_json(self) -> JsonObject:
        return {
            "tensors": [tensor.to_json() for tensor in self.tensors],
            "unread": [tensor.to_json() for tensor in self.unread],
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        read = FactReader(data, "statistics")
        return cls(
            tuple(map(TensorStatistics.from_json, read.list("tensors"))),
            tuple(map(Unread.from_json, read.list("unread"))),
        )

    @classmethod
    def of(cls, report: Report) -> Self | None:
        """The statistics in a report, or None where that check did not measure them."""
        facts = _facts(report, "statistics")
        return cls.from_json(dict(facts)) if facts else None


def _facts(report: Report, check: str) -> Mapping[str, Json]:
    result = report.result(check)
    return result.facts if result else {}
