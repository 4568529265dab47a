"""A report with one of everything, none of it kind to the reader."""

import pytest

from weighbridge.report import (
    Anatomy,
    CheckResult,
    FileFacts,
    Finding,
    Group,
    Histogram,
    Outcome,
    Report,
    Severity,
    Statistics,
    TensorFacts,
    TensorStatistics,
    Unread,
)

HOSTILE = '</script><img src=x onerror="document.title=1">\x1b[31m\u202e\ud800{{7*7}}[bold]'


def _statistics_of(name, low=-1.0, high=1.0, nan=0):
    counts = tuple(range(64))
    return TensorStatistics(
        name=name,
        count=sum(counts),
        nan=nan,
        infinite=0,
        zeros=3,
        minimum=low,
        maximum=high,
        mean=0.1,
        std=0.5,
        absolute_maximum=max(abs(low), abs(high)),
        histogram=Histogram(low, high, counts),
        digest="blake3:" + "0" * 64,
    )


@pytest.fixture
def statistics_of():
    return _statistics_of


@pytest.fixture
def anatomy():
    return Anatomy(
        parameters=2016,
        nbytes=8064,
        tensors=2,
        architecture=HOSTILE,
        dtypes=(Group("F32", 2, 2016, 8064),),
        layers=(Group(HOSTILE, 1, 2016, 8064), Group("", 1, 0, 0)),
        files=(FileFacts(HOSTILE, "safetensors", 9000, 2),),
        tied=((HOSTILE, "b"),),
        listed=(
            TensorFacts(HOSTILE, "F32", (2, 1008), 8064, HOSTILE, "a.safetensors"),
            TensorFacts("b", "F32", (2, 1008), 8064, "", "a.safetensors"),
        ),
    )


@pytest.fixture
def statistics():
    return Statistics((_statistics_of(HOSTILE, nan=2), _statistics_of("b")), (Unread("c", "format.unsupported", "no"),))


@pytest.fixture
def report(anatomy, statistics):
    finding = Finding("health.nan", Severity.WARNING, HOSTILE, HOSTILE, HOSTILE, {"tensor": HOSTILE, "count": 2})
    danger = Finding("pickle.dangerous-import", Severity.DANGER, "would call os.system")
    return Report(
        subject=HOSTILE,
        results=(
            CheckResult("health", "Whether its values are sound", Outcome.FAIL, (finding,), {"nan": 2}, "", 0.5),
            CheckResult("safety.pickle", "What loading it would call", Outcome.FAIL, (danger,)),
            CheckResult("anatomy", "What it is made of", Outcome.PASS, (), anatomy.to_json() | {"alternatives": []}),
            CheckResult("statistics", "Its values", Outcome.SKIPPED, (), statistics.to_json(), f"no {HOSTILE}"),
            CheckResult("safety.structure", "Structure", Outcome.ERROR, (), {}, HOSTILE),
        ),
        weighbridge="0.1.0",
        created="2026-01-01T00:00:00+00:00",
    )
