"""The judgement over a folder of samples, where there is one: what the public scanners test themselves with."""

import json
from pathlib import Path

import pytest

from weighbridge import formats
from weighbridge.errors import WeighbridgeError
from weighbridge.formats import Verdict
from weighbridge.tensors import FileSource

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "safety"
OURS = (
    *("pickle", "torch", "gadget", "numpy-joblib", "container-ext", "sklearn", "joblib"),
    *("peer-picklescan", "peer-modelscan", "peer-fickling", "peer-modelaudit", "peer-benign"),
)
NOT_PICKLES = (".json", ".h5", ".pb", ".md", ".gz", ".7z", ".jinja")


def _samples(kind: str) -> list[dict]:
    manifest = SAMPLES / "manifest.json"
    if not manifest.exists():
        return []
    return [
        sample
        for sample in json.loads(manifest.read_text())["samples"]
        if sample["kind"] == kind
        and not sample["is_dir"]
        and sample["class"].startswith(OURS)
        and not sample["path"].endswith(NOT_PICKLES)
    ]


pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not on this machine")


@pytest.mark.parametrize("sample", _samples("malicious"), ids=lambda sample: sample["path"])
def test_a_malicious_sample_is_never_called_safe(sample):
    try:
        index = formats.index(FileSource(SAMPLES / sample["path"]))
    except WeighbridgeError:
        return  # refused
    suspicious = [scan for scan in index.pickles if scan.verdict is not Verdict.ALLOWED]
    assert suspicious or any(anomaly.severe for anomaly in index.anomalies)


@pytest.mark.parametrize("sample", _samples("benign"), ids=lambda sample: sample["path"])
def test_a_benign_sample_is_read_and_called_safe(sample):
    index = formats.index(FileSource(SAMPLES / sample["path"]))
    assert [item for scan in index.pickles for item in scan.imports if item.verdict is not Verdict.ALLOWED] == []
    assert all(scan.verdict is Verdict.ALLOWED for scan in index.pickles)
    assert not any(anomaly.severe for anomaly in index.anomalies)
