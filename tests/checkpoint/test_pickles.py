"""Pickles beside and instead of safetensors: judged before anything is shown, alternatives where they repeat it."""

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import weighbridge as wb
from weighbridge.errors import UnsafeError
from weighbridge.formats import Verdict
from weighbridge.formats.safetensors import write


class Owned:
    def __reduce__(self):
        import os

        return (os.system, ("echo owned",))


@pytest.fixture
def state():
    torch.manual_seed(0)
    return torch.nn.Linear(3, 4).state_dict()


def test_a_torch_file_beside_safetensors_is_an_alternative(tmp_path, state):
    save_file(state, tmp_path / "model.safetensors")
    torch.save({**state, "extra": torch.zeros(2)}, tmp_path / "pytorch_model.bin")
    model = wb.open(tmp_path)
    assert sorted(model) == ["bias", "weight"]
    assert {tensor.info.file for tensor in model.values()} == {"model.safetensors"}
    others = {tensor.name: tensor for tensor in model.alternatives["pytorch_model.bin"]}
    assert sorted(others) == ["bias", "extra", "weight"]
    for name, tensor in model.items():
        assert others[name].read_bytes() == tensor.read_bytes()


def test_a_torch_file_with_other_names_joins_the_checkpoint(tmp_path, state):
    save_file(state, tmp_path / "model.safetensors")
    torch.save({"pooler": torch.ones(2)}, tmp_path / "pooler.bin")
    model = wb.open(tmp_path)
    assert sorted(model) == ["bias", "pooler", "weight"]
    assert model.alternatives == {}


def test_a_dangerous_pickle_anywhere_in_a_folder_is_refused_and_nothing_runs(tmp_path, capfd):
    write(tmp_path / "model.safetensors", {"a": np.zeros(2, np.float32)})
    (tmp_path / "training_args.bin").write_bytes(pickle.dumps(Owned()))
    with pytest.raises(UnsafeError, match=r"system.*echo owned") as caught:
        wb.open(tmp_path)
    assert "training_args.bin" in str(caught.value)
    model = wb.open(tmp_path, allow_unsafe=True)
    assert list(model) == ["a"]
    (scan,) = model.files["training_args.bin"].pickles
    assert scan.verdict is Verdict.DANGEROUS
    assert "owned" not in capfd.readouterr().out


def test_chunks_of_tensors_that_share_storage_are_their_values(tmp_path):
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    views = {"base": base, "row": base[2], "column": base[:, 1], "turned": base.T, "wide": base[:1].expand(3, 6)}
    torch.save(views, tmp_path / "views.pt")
    model = wb.open(tmp_path / "views.pt")
    for name, view in views.items():
        pieces = list(model[name].chunks(16))
        assert all(piece.nbytes <= 16 for piece in pieces), name
        assert np.array_equal(np.concatenate(pieces), view.reshape(-1).numpy()), name
        assert model[name].read_bytes() == view.contiguous().numpy().tobytes(), name


def test_two_sharded_copies_of_one_model_are_one_checkpoint_and_its_alternative(tmp_path, state):
    import json

    for suffix, save in (("safetensors", save_file), ("bin", torch.save)):
        stem = "model" if suffix == "safetensors" else "pytorch_model"
        homes = {name: f"{stem}-{n + 1:05d}-of-00002.{suffix}" for n, name in enumerate(sorted(state))}
        for name, home in homes.items():
            save({name: state[name]}, tmp_path / home)
        (tmp_path / f"{stem}.{suffix}.index.json").write_text(json.dumps({"weight_map": homes}))
    model = wb.open(tmp_path)
    assert sorted(model) == ["bias", "weight"]
    assert all(tensor.info.file.endswith(".safetensors") for tensor in model.values())
    assert len(model.alternatives) == 2
    assert model.broken == {}
    assert model.anomalies == ()
