"""Save models with every framework that this environment has, in every way people save them: none of it is hostile.

    ENV/bin/python benchmarks/benign_saves.py FOLDER     # in as many environments as there are versions to try
    weigh scan FOLDER --format tsv | grep -v ^clean      # what is printed is a false alarm

Each framework is one function below; what cannot be imported is left out and named. Not part of any test run: the
environments take gigabytes.
"""

from __future__ import annotations

import importlib
import pickle
import sys
import warnings
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from uuid import UUID

warnings.filterwarnings("ignore")


class Saver:
    """Saves one object by every pickler at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def path(self, name: str) -> str:
        self.count += 1
        return str(self.folder / name)

    def every(self, name: str, value: object) -> None:
        """By pickle in the oldest and newest protocols, and by joblib, cloudpickle and dill where they are there."""
        for protocol in (0, 2, 3, 4, 5):
            self.one(f"{name}.p{protocol}.pkl", lambda path, p=protocol: Path(path).write_bytes(pickle.dumps(value, p)))
        for library in ("cloudpickle", "dill"):
            if module := _imported(library):
                self.one(f"{name}.{library}.pkl", lambda path, m=module: Path(path).write_bytes(m.dumps(value)))
        if joblib := _imported("joblib"):
            self.one(f"{name}.joblib", lambda path: joblib.dump(value, path))
            self.one(f"{name}.gz.joblib", lambda path: joblib.dump(value, path, compress=("gzip", 3)))

    def codecs(self, name: str, value: object) -> None:
        joblib = _imported("joblib")
        for codec in ("zlib", "gzip", "bz2", "xz", "lzma", "lz4") if joblib else ():
            self.one(f"{name}.{codec}.joblib", lambda path, c=codec: joblib.dump(value, path, compress=(c, 3)))

    def one(self, name: str, save) -> None:
        try:
            save(self.path(name))
        except Exception as error:  # noqa: BLE001 (whatever a framework cannot make or save is left out)
            (self.folder / name).unlink(missing_ok=True)
            print(f"not saved: {name}: {type(error).__name__}: {str(error)[:80]}")


def _imported(name: str):
    try:
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 (whatever a framework cannot make or save is left out)
        return None


Point = namedtuple("Point", "x y")


def python(save: Saver) -> None:
    plain = {"a": [1, 2.5, None, True], "b": (b"x" * 300, "text", {1, 2}, frozenset([3])), "c": 1 << 100, "d": 1 + 2j}
    counted = [OrderedDict(a=1), Counter("abc"), deque([1, 2], 5), defaultdict(list, a=[1]), defaultdict(int)]
    dated = [datetime(2024, 1, 2, tzinfo=UTC), date(2024, 1, 2), timedelta(3), datetime(2024, 1, 2)]
    values = [
        Decimal("1.5"),
        Fraction(1, 3),
        UUID(int=5),
        PurePosixPath("a/b"),
        range(3),
        slice(1, 2),
        bytearray(b"xy"),
    ]
    save.every("python-plain", plain)
    save.every("python-counted", counted)
    save.every("python-dated", dated)
    save.every("python-values", values)
    save.every("python-errors", [ValueError("x"), KeyError("y")])


def numpy(save: Saver) -> None:
    import numpy as np

    arrays = {
        dtype: np.arange(6).astype(dtype).reshape(2, 3) for dtype in ("f4", "f8", "f2", "i1", "u8", ">i4", "?", "c8")
    }
    odd = [np.array(["a", "bc"]), np.array([b"x"]), np.array(["2024"], "M8[D]"), np.array([1], "m8[s]"), np.float32(2)]
    record = np.zeros(3, [("a", "f4"), ("b", "i4", (2,))])
    objects = np.array([{"a": 1}, [1, 2], None, "text"], dtype=object)
    save.every("numpy-arrays", arrays)
    save.every("numpy-fortran", np.asfortranarray(arrays["f4"]))
    save.every("numpy-odd", odd)
    save.every("numpy-record", [record, record.view(np.recarray), np.ma.masked_array([1, 2], [0, 1])])
    save.every("numpy-objects", objects)
    save.every("numpy-random", [np.random.RandomState(0), np.random.default_rng(0), np.random.SeedSequence(3)])
    bits = [getattr(np.random, name)(1) for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")]
    save.every("numpy-bits", [*bits, np.dtype("f4"), np.float64, np.int32, np.poly1d([1, 2])])
    save.codecs("numpy-large", np.arange(100_000.0))
    np.save(save.path("objects.npy"), objects)
    np.save(save.path("record.npy"), record)
    np.save(save.path("float.npy"), arrays["f4"])
    np.savez(save.path("plain.npz"), **arrays)
    np.savez_compressed(save.path("compressed.npz"), objects=objects, **arrays)


def pandas(save: Saver) -> None:
    import numpy as np
    import pandas as pd

    when = pd.date_range("2024-01-01", periods=4, tz="Europe/Paris")
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1.5, None, 2, 3], "c": list("wxyz"), "d": when})
    frame["e"] = pd.Categorical(list("abab"))
    frame["f"] = pd.array([1, None, 2, 3], dtype="Int64")
    frame["g"] = pd.array(["x", None, "y", "z"], dtype="string")
    frame["h"] = pd.array([True, None, False, True], dtype="boolean")
    frame["i"] = pd.to_timedelta([1, 2, 3, 4], unit="s")
    frame["j"] = pd.arrays.SparseArray([0, 0, 1, 2])
    frame["k"] = pd.period_range("2024-01", periods=4, freq="M")
    frame["l"] = pd.interval_range(0, 4)
    frame["m"] = pd.array([1.0, None, 2, 3], dtype="Float64")
    save.every("pandas-frame", frame)
    save.every("pandas-index", frame.set_index(["c", "a"]))
    save.every("pandas-series", [frame[name] for name in frame])
    save.every(
        "pandas-values", [pd.Timestamp("2024"), pd.Timedelta(3), pd.NaT, pd.NA, pd.Period("2024"), pd.Interval(0, 1)]
    )
    indexes = [pd.Index([1, 2]), pd.Index(["a"]), pd.RangeIndex(3), when, pd.MultiIndex.from_product([[1, 2], ["a"]])]
    save.every("pandas-indexes", [*indexes, pd.CategoricalIndex(["a"]), pd.TimedeltaIndex([pd.Timedelta(1)])])
    save.every(
        "pandas-offsets", [pd.offsets.Day(2), pd.offsets.MonthEnd(), pd.offsets.BDay(), pd.CategoricalDtype(["a"])]
    )
    save.every("pandas-types", [column.dtype for _, column in frame.items()])
    for ending in ("pkl", "pkl.gz", "pkl.bz2", "pkl.xz", "pkl.zip", "pkl.zst", "pkl.tar"):
        save.one(f"frame.{ending}", frame.to_pickle)
    save.every("pandas-wide", pd.DataFrame(np.zeros((10, 5), "f4")))


def scipy(save: Saver) -> None:
    import numpy as np
    from scipy import interpolate, sparse, spatial, stats

    dense = np.eye(3)
    kinds = ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
    save.every("scipy-sparse", [getattr(sparse, f"{kind}_matrix")(dense) for kind in kinds])
    if hasattr(sparse, "csr_array"):
        save.every("scipy-arrays", [getattr(sparse, f"{kind}_array")(dense) for kind in kinds])
    sparse.save_npz(save.path("sparse.npz"), sparse.csr_matrix(dense))
    line = np.arange(5.0)
    save.every("scipy-interpolate", [interpolate.interp1d(line, line), interpolate.CubicSpline(line, line)])
    save.every("scipy-splines", [interpolate.PchipInterpolator(line, line), interpolate.make_interp_spline(line, line)])
    save.every(
        "scipy-rbf", [interpolate.RegularGridInterpolator((line,), line), interpolate.PPoly(dense, [0, 1, 2, 3])]
    )
    save.every("scipy-frozen", [stats.norm(0, 1), stats.uniform(0, 1), stats.gaussian_kde(line)])
    save.every("scipy-trees", [spatial.cKDTree(dense), spatial.KDTree(dense)])


def sklearn(save: Saver) -> None:
    import numpy as np
    from sklearn.utils import all_estimators

    rng = np.random.RandomState(0)
    table, classes = np.abs(rng.rand(60, 4)), np.arange(60) % 3
    for name, cls in all_estimators():
        if (made := _fitted(cls, table, classes)) is not None:
            save.one(f"sklearn-{name}.pkl", lambda path, m=made: Path(path).write_bytes(pickle.dumps(m, 4)))
            save.one(f"sklearn-{name}.p2.pkl", lambda path, m=made: Path(path).write_bytes(pickle.dumps(m, 2)))
            joblib = _imported("joblib")
            save.one(f"sklearn-{name}.joblib", lambda path, m=made, j=joblib: j.dump(m, path))
    _sklearn_compositions(save, table, classes)


def _fitted(cls, table, classes):
    from sklearn.linear_model import LogisticRegression

    for arguments in ((), (LogisticRegression(),), ([("a", LogisticRegression())],), ([("s", "passthrough", [0])],)):
        try:
            made = cls(*arguments)
        except Exception:  # noqa: BLE001 (whatever a framework cannot make or save is left out)
            continue
        for given in ((table, classes), (table,), (list("abcdef" * 10),), (classes,)):
            try:
                return made.fit(*given)
            except Exception:  # noqa: BLE001 (whatever a framework cannot make or save is left out)
                continue
        return made
    return None


def _sklearn_compositions(save: Saver, table, classes) -> None:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kernel = kernels.RBF() * kernels.ConstantKernel() + kernels.WhiteKernel() + kernels.Matern()
    save.every("sklearn-kernel", GaussianProcessRegressor(kernel).fit(table, classes))
    save.every("sklearn-pipe", make_pipeline(StandardScaler(), LogisticRegression()).fit(table, classes))
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=StratifiedKFold(3))
    save.every("sklearn-search", search.fit(table, classes))
    save.every(
        "sklearn-text",
        make_pipeline(TfidfVectorizer(), SGDClassifier()).fit(
            ["some words", "more words", "yet others"] * 5, classes[:15]
        ),
    )
    save.every("sklearn-boost", GradientBoostingClassifier(n_estimators=3).fit(table, classes))
    for algorithm in ("ball_tree", "kd_tree", "brute"):
        save.every(f"sklearn-{algorithm}", KNeighborsClassifier(algorithm=algorithm).fit(table, classes))
    save.every("sklearn-splits", [KFold(3), StratifiedKFold(3)])


def boosters(save: Saver) -> None:
    import numpy as np

    table, target = np.random.RandomState(0).rand(80, 4), np.arange(80) % 2
    if lightgbm := _imported("lightgbm"):
        for cls in (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor):
            save.every(f"lightgbm-{cls.__name__}", cls(n_estimators=3).fit(table, target))
        save.every("lightgbm-ranker", lightgbm.LGBMRanker(n_estimators=3).fit(table, target, group=[40, 40]))
        booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(table, target), 3)
        save.every("lightgbm-booster", booster)
        booster.save_model(save.path("lightgbm.txt"))
    if xgboost := _imported("xgboost"):
        for name in ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"):
            save.every(f"xgboost-{name}", getattr(xgboost, name)(n_estimators=3).fit(table, target))
        booster = xgboost.train({}, xgboost.DMatrix(table, target), 3)
        save.every("xgboost-booster", booster)
        for ending in ("json", "ubj"):
            booster.save_model(save.path(f"xgboost.{ending}"))
    if catboost := _imported("catboost"):
        made = catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False).fit(table, target)
        save.every("catboost", made)
        made.save_model(save.path("model.cbm"))


def others(save: Saver) -> None:
    import numpy as np

    table = np.random.RandomState(0).rand(60, 3)
    if api := _imported("statsmodels.api"):
        save.every("statsmodels-ols", api.OLS(table[:, 0], table).fit())
        save.every("statsmodels-logit", api.Logit(np.arange(60) % 2, table).fit(disp=0))
    if imblearn := _imported("imblearn.over_sampling"):
        save.every("imblearn", [imblearn.SMOTE(), imblearn.RandomOverSampler()])
    if gensim := _imported("gensim.models"):
        made = gensim.Word2Vec([["a", "b"], ["b", "c"]] * 5, vector_size=4, min_count=1)
        made.save(save.path("word2vec.model"))
        made.wv.save(save.path("vectors.kv"))
    if networkx := _imported("networkx"):
        save.every("networkx", networkx.path_graph(4))
    if hmm := _imported("hmmlearn.hmm"):
        save.every("hmmlearn", hmm.GaussianHMM(2).fit(table))
    if hdbscan := _imported("hdbscan"):
        save.every("hdbscan", hdbscan.HDBSCAN(min_cluster_size=3).fit(table))
    if xarray := _imported("xarray"):
        save.every("xarray", xarray.DataArray(table))
    if polars := _imported("polars"):
        save.every("polars", polars.DataFrame({"a": [1, 2]}))


def torch(save: Saver) -> None:
    import torch
    from torch import nn

    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3), nn.LSTM(3, 2))
    optimiser = torch.optim.AdamW(net.parameters())
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 10)
    whole = {
        "model": net.state_dict(),
        "optimizer": optimiser.state_dict(),
        "scheduler": scheduler.state_dict(),
        "epoch": 3,
    }
    dtypes = [getattr(torch, name) for name in ("float16", "bfloat16", "int8", "bool", "complex64", "float8_e4m3fn")]
    odd = {
        "sparse": torch.eye(3).to_sparse(),
        "csr": torch.eye(3).to_sparse_csr(),
        "quantised": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        "types": [torch.zeros(2, dtype=dtype) for dtype in dtypes],
        "dtype": torch.float32,
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]),
        "generator": torch.get_rng_state(),
        "storage": torch.ones(3).untyped_storage(),
        "parameter": nn.Parameter(torch.ones(2)),
        "view": torch.arange(6).reshape(2, 3).t(),
    }
    for name, value in {
        "state": whole,
        "model": net,
        "odd": odd,
        "tensor": torch.ones(3),
        "scheduler": scheduler,
    }.items():
        save.one(f"torch-{name}.pt", lambda path, v=value: torch.save(v, path))
        legacy = {"_use_new_zipfile_serialization": False}
        save.one(f"torch-{name}.pth", lambda path, v=value, o=legacy: torch.save(v, path, **o))
        save.one(f"torch-{name}.p4.bin", lambda path, v=value: torch.save(v, path, pickle_protocol=4))
        save.every(f"torch-pickled-{name}", value)
    _torch_layers(save)
    script = torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    save.one("script.pt", script.save)
    save.one("traced.pt", torch.jit.trace(net[:3], torch.ones(1, 1, 4, 4)).save)
    exported = torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),))
    save.one("exported.pt2", lambda path: torch.export.save(exported, path))


def _torch_layers(save: Saver) -> None:
    """Every layer and optimiser that can be made without thinking."""
    import torch
    from torch import nn

    for name in sorted(dir(nn)):
        cls = getattr(nn, name)
        if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
            continue
        for arguments in ((), (2,), (4, 2), (2, 2, 1), (4, 2, 1, 1)):
            try:
                made = cls(*arguments)
            except Exception:  # noqa: BLE001 (whatever a framework cannot make or save is left out)
                continue
            save.one(f"layer-{name}.pt", lambda path, m=made: torch.save(m, path))
            break
    for name in sorted(dir(torch.optim)):
        cls = getattr(torch.optim, name)
        if isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer) and cls is not torch.optim.Optimizer:
            save.one(
                f"optimiser-{name}.pt", lambda path, c=cls: torch.save(c([torch.ones(2, 2, requires_grad=True)]), path)
            )


def transformers(save: Saver) -> None:
    import torch
    from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, TrainingArguments

    bert = BertModel(
        BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=20)
    )
    gpt = GPT2LMHeadModel(GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=20))
    for name, model in {"bert": bert, "gpt2": gpt}.items():
        model.save_pretrained(save.path(name))
        torch.save(model.state_dict(), save.path(f"{name}.bin"))
        torch.save(model, save.path(f"{name}.pt"))
    torch.save(TrainingArguments("out"), save.path("training_args.bin"))
    torch.save(bert.config, save.path("config.bin"))


def timm(save: Saver) -> None:
    import timm
    import torch

    for name in ("resnet18", "efficientnet_b0", "vit_tiny_patch16_224"):
        torch.save(timm.create_model(name), save.path(f"timm-{name}.pt"))


def torchvision(save: Saver) -> None:
    import torch
    from torchvision import models

    for name in (
        "resnet18",
        "mobilenet_v2",
        "vgg11",
        "densenet121",
        "squeezenet1_0",
        "shufflenet_v2_x0_5",
        "googlenet",
    ):
        torch.save(models.get_model(name, weights=None), save.path(f"torchvision-{name}.pt"))


FRAMEWORKS = (python, numpy, pandas, scipy, sklearn, boosters, others, torch, transformers, timm, torchvision)


def main(folder: Path) -> None:
    for framework in FRAMEWORKS:
        save = Saver(folder / framework.__name__)
        save.folder.mkdir(parents=True, exist_ok=True)
        try:
            framework(save)
        except ImportError as error:
            print(f"left out: {framework.__name__}: {error}")
        except Exception as error:  # noqa: BLE001 (whatever a framework cannot make or save is left out)
            print(f"broke off: {framework.__name__}: {type(error).__name__}: {str(error)[:300]}")
        print(f"{framework.__name__}: {save.count} files")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
