"""Packages whose classes a checkpoint may hold objects of, and what of them it may do.

A family promises less than a permit, and for a whole package at once. It rests on a judgement of what such packages
do when an object is unpickled (``__new__``, ``__setstate__``), not on a reading of each of their modules: a class whose
state is run as code may be among them, as two were found to be (`_states`). A family may

- make an instance of a class without running its ``__init__``, and set its state;
- name a function, a class or a method without calling it;
- call Cython's ``__pyx_unpickle_…`` and NumPy's ``scalar``, which some modules hold under their own name.

It may call nothing else. Modules that do more are left out by name, whatever their package; where a package holds a
class whose state is run as code (SciPy's distributions, statsmodels' data), `_states` looks at that state.
"""

from __future__ import annotations

import re

from weighbridge.formats.pickle.denylist import danger
from weighbridge.formats.pickle.permit import ANY, INSTANCE, Permit

_REASONS = {
    "an object of a library of models that keeps numbers and settings": (
        "sklearn imblearn hmmlearn hdbscan umap lightgbm xgboost.core xgboost.sklearn xgboost.callback catboost"
        " category_encoders feature_engine mlxtend pmdarima lifelines pyod implicit lightfm surprise prophet ngboost"
        " sklearn_pandas sklearn_crfsuite skopt sktime tslearn interpret econml causalml river nltk gensim statsmodels"
        " networkx econml pygam sklearn_extra glum tpot.builtins"
    ),
    "a table, an index or a type of columns": (
        "pandas.core.frame pandas.core.series pandas.core.internals pandas.core.indexes pandas.core.arrays"
        " pandas.core.dtypes pandas._libs pandas.tseries pandas.arrays pandas.core.groupby pandas.core.flags"
        " pandas.indexes pandas.core.index pandas.core.internals.blocks xarray.core geopandas.geodataframe"
        " geopandas.geoseries geopandas.array"
    ),
    "a curve, a matrix or a tree of SciPy": (
        "scipy.interpolate scipy.sparse scipy.spatial scipy.stats scipy.optimize scipy.signal scipy.integrate"
        " scipy.special"
        " scipy._lib._bunch scipy._lib.array_api_compat"
    ),
    "a layer or a part of PyTorch, made without running its __init__": (
        "torch.nn.modules torch.nn.parameter torch.nn.utils torch.nn.quantized torch.nn.quantizable torch.nn.qat"
        " torch.nn.intrinsic torch.nn.parallel torch.ao.nn torch.ao.quantization torch.quantization torch.optim"
        " torch.distributions torch.utils.hooks torch.utils.data.dataset torch.utils.data.sampler torch.amp"
        " torch.cuda.amp"
        " torch.nn.attention torch._C._nn torch.nn.init torch.nn.functional torch.fx.immutable_collections"
    ),
    "a model or a part of one, made without running its __init__": (
        "torchvision.models torchvision.ops torchvision.transforms torchvision.tv_tensors torchaudio.models"
        " torchaudio.transforms torchmetrics timm.models timm.layers timm.data timm.optim timm.scheduler timm.loss"
        " ultralytics.nn ultralytics.utils.loss ultralytics.utils.tal ultralytics.utils.torch_utils"
        " ultralytics.yolo.utils"
        " ultralytics.models ultralytics.engine.results efficientnet_pytorch segmentation_models_pytorch"
        " pretrainedmodels open_clip clip facenet_pytorch torch_geometric.nn torch_geometric.data detectron2.layers"
        " detectron2.modeling detectron2.structures detectron2.config mmcv.cnn mmcv.ops mmdet.models mmseg.models"
        " mmengine.model mmengine.config mmengine.logging monai.networks monai.transforms pytorch_forecasting.models"
        " pytorch_forecasting.data pytorch_forecasting.metrics pytorch_tabnet fastai speechbrain.nnet speechbrain.lobes"
        " speechbrain.processing whisper.model kornia einops.layers compressai flair.nn flair.models flair.embeddings"
        " flair.data allennlp.nn allennlp.modules allennlp.data nemo.collections pyannote.audio.models sentencepiece"
    ),
    "a model, a configuration or a tokeniser of transformers and its kin, made without running its __init__": (
        "transformers diffusers.models diffusers.configuration_utils sentence_transformers.models"
        " sentence_transformers.SentenceTransformer peft tokenizers trl accelerate.utils.dataclasses accelerate.state"
        " bitsandbytes.nn"
    ),
    "settings that a training program keeps beside its weights": (
        "pytorch_lightning lightning.pytorch lightning.fabric lightning_fabric lightning_utilities omegaconf"
        " fairseq yacs"
        " easydict addict box munch ml_collections attrdict argparse hydra.core.config_store fvcore.common.config"
        " stable_baselines3 gymnasium.spaces gym.spaces dotmap"
    ),
}

# Parts of a module's name, wherever they stand, that stay out of every family: they load, run, fetch or test.
_LEFT_OUT = frozenset(
    [
        *(
            "externals",
            "testing",
            "_testing",
            "tests",
            "test",
            "conftest",
            "hub",
            "io",
            "cli",
            "scripts",
            "distributed",
        ),
        *(
            "_joblib",
            "dask",
            "spark",
            "tools",
            "commands",
            "utilities.cloud_io",
            "import_utils",
            "dynamic_module_utils",
        ),
        *("deprecated", "tensorboard", "debugging", "rpc", "package", "datasets", "agents", "pipelines", "downloader"),
        *("computation", "plotting", "parse", "toolbox", "_download", "download", "utils_fit", "net", "cpp_extension"),
        *("app", "trainer_callback_handler", "subproc_vec_env", "vec_env", "graphics", "notebook", "integrations"),
    ]
)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.(?!__)[A-Za-z_]\w*)?")
_REBUILDERS = re.compile(r"__pyx_unpickle_\w+|scalar")

_FAMILIES: dict[str, str] = {package: reason for reason, packages in _REASONS.items() for package in packages.split()}


def family_permit(module: str, name: str) -> Permit | None:
    """What the family of this module allows for this name, or None."""
    reason = _reason(module)
    if not reason or not _NAME.fullmatch(name) or danger(module, name):
        return None
    if not _LEFT_OUT.isdisjoint(module.split(".")):
        return None
    if _REBUILDERS.fullmatch(name):
        return Permit(reason, ANY)
    if "." in name:
        return Permit(f"a method of a class of {module}, kept and not called", frozenset())
    return Permit(reason, INSTANCE, "known_state")


def _reason(module: str) -> str:
    while module:
        if module in _FAMILIES:
            return _FAMILIES[module]
        module = module.rpartition(".")[0]
    return ""
