"""What a dotted name in a config would import, and whether calling it is known to be harmless.

Hydra's ``_target_``, YAML's ``!!python/object/apply``, Keras' module and function names, MLflow's loaders: all import
what a name says and call it. Three answers: dangerous, known, and neither.
"""

from __future__ import annotations

import sys
from enum import Enum


class Standing(Enum):
    DANGEROUS = "dangerous"
    KNOWN = "known"
    UNKNOWN = "unknown"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Of the standard library and builtins, what builds plain values. All of the rest is dangerous: it was not written to be
# called by a file.
_PLAIN = _words(
    "array bool builtins.bool builtins.bytes builtins.complex builtins.dict builtins.float builtins.frozenset "
    "builtins.int builtins.len builtins.list builtins.max builtins.min builtins.range builtins.round builtins.set "
    "builtins.slice builtins.str builtins.sum builtins.tuple builtins.abs builtins.sorted builtins.zip "
    "builtins.enumerate builtins.object builtins.print builtins.type bytes collections.OrderedDict "
    "collections.defaultdict collections.Counter collections.deque copy.copy copy.deepcopy complex datetime.date "
    "datetime.datetime datetime.timedelta datetime.timezone decimal.Decimal dict enum.Enum float fractions.Fraction "
    "frozenset functools.partial functools.reduce int itertools.chain itertools.product list logging.getLogger "
    "math.ceil math.exp math.floor math.log math.pow math.prod math.sqrt operator.add operator.mul operator.sub "
    "os.path.join os.path.abspath os.path.basename os.path.dirname os.path.exists os.getcwd os.cpu_count "
    "argparse.Namespace pathlib.Path pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath pathlib.WindowsPath "
    "pathlib._local.PosixPath random.seed random.Random range set slice str time.time tuple types.SimpleNamespace "
    "typing.NamedTuple uuid.uuid4 uuid.UUID"
)
_PLAIN_MODULES = ("math", "statistics", "dataclasses", "typing", "typing_extensions", "numbers", "string", "colorsys")

# Ways to code or to the system in packages that are otherwise well known. A name matches itself and what lies below it.
_GADGETS = (
    "cloudpickle", "dill", "joblib.load", "jsonpickle", "pandas.read_pickle", "pandas.eval", "pandas.read_hdf",
    "numpy.load", "numpy.f2py", "numpy.distutils", "numpy.testing", "numpy.ctypeslib", "numpy.lib.npyio.load",
    "torch.load", "torch.hub", "torch.jit.load", "torch.ops.load_library", "torch.utils.cpp_extension",
    "torch.utils.model_zoo", "torch.package", "torch.serialization.load", "torch.distributed.run",
    "torch.distributed.rpc", "torch.classes.load_library", "torch.utils.collect_env", "torch._inductor",
    "torch.testing", "torch.utils.bottleneck", "torch._dynamo", "torch.fx.experimental", "torch._C",
    "torch.multiprocessing.spawn", "torch.utils._config_module", "lightning.fabric.utilities.cloud_io",
    "hydra.utils.get_method", "hydra.utils.get_class", "hydra.utils.get_object", "hydra.utils.instantiate",
    "hydra.utils.call", "hydra.main", "hydra._internal", "omegaconf.OmegaConf.register_new_resolver",
    "keras.utils", "keras.src.utils", "keras.src.saving", "keras.saving", "keras.models.load_model",
    "keras.config.enable_unsafe_deserialization", "keras.src.backend.common.global_state",
    "tensorflow.keras.utils", "tensorflow.io", "tensorflow.py_function", "tensorflow.numpy_function",
    "tensorflow.load_library", "tensorflow.load_op_library", "tensorflow.saved_model",
    "transformers.dynamic_module_utils", "transformers.utils.hub", "transformers.pipeline", "diffusers.utils",
    "huggingface_hub", "datasets.load_dataset", "nltk.data.load", "setuptools", "pip", "IPython", "pexpect", "paramiko",
    "fabric", "plumbum", "invoke", "sh", "requests", "httpx", "urllib3", "aiohttp", "boto3", "psutil", "cffi", "numba",
    "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.UnsafeLoader", "distutils", "pkg_resources", "django.core",
    "wandb.sdk.launch", "mlflow.pyfunc.load_model", "skimage.io", "scipy.io", "matplotlib.testing",
)  # fmt: skip

_PACKAGES = _words(
    "accelerate albumentations apex bitsandbytes captum catboost dask datasets deepspeed diffusers einops evaluate "
    "fairscale fairseq fairseq2 flair flash_attn flax gluonnlp gluonts gym gymnasium haiku hydra hydra_plugins "
    "imgaug jax jaxlib keras keras_core keras_cv keras_hub keras_nlp kornia ldm lightgbm lightly lightning "
    "lightning_fabric litgpt ludwig mlflow mmcv mmdet mmengine mmpretrain mmseg monai mxnet nemo numpy omegaconf "
    "onnx onnxruntime open_clip optax optuna paddle pandas peft PIL polars pyannote pytorch3d pytorch_lightning "
    "pytorch_metric_learning ray scipy segmentation_models_pytorch sentence_transformers sgm skimage sklearn "
    "skorch spacy speechbrain stable_baselines3 statsmodels tensorboard tensorflow tensorflow_addons "
    "tensorflow_hub tensorflow_probability tf_keras timm tokenizers torch torch_geometric torchaudio torchdata "
    "torchmetrics torchtext torchtune torchvision transformers trl ultralytics wandb xformers xgboost yacs "
    "faster_coco_eval hydra_zen rich torch_optimizer sentencepiece tiktoken megatron"
)


def standing(target: str) -> Standing:
    """What is known of ``package.module.name``; also of ``module:name`` and of a name of builtins alone."""
    name = target.strip().replace(":", ".").strip(".")
    if _reaches_through(name):
        return Standing.DANGEROUS
    package = name.partition(".")[0]
    if name in _PLAIN or package in _PLAIN_MODULES:
        return Standing.KNOWN
    below = (name, *(name[:at] for at, letter in enumerate(name) if letter == "."))
    if package in sys.stdlib_module_names or any(part in _GADGET_NAMES for part in below) or name in _BUILTINS:
        return Standing.DANGEROUS
    return Standing.KNOWN if package in _PACKAGES else Standing.UNKNOWN


def dangerous(target: str) -> bool:
    return standing(target) is Standing.DANGEROUS


def _reaches_through(name: str) -> bool:
    """Whether a name goes by way of a harmless module to one that it imports: ``torch.os.system``, or by dunders."""
    parts = name.split(".")
    inner = parts[1:]
    if any(part.startswith("__") and part.endswith("__") for part in inner):
        return True
    if parts[0] in sys.stdlib_module_names and name in _PLAIN:
        return False
    return any(part in _SYSTEM for part in inner) and parts[0] not in ("ray",)


_SYSTEM = _words(
    "os posix nt subprocess sys importlib builtins shutil ctypes socket pty runpy marshal pickle cPickle _pickle "
    "eval exec system popen Popen check_output check_call execv execve __import__ import_module"
)
_GADGET_NAMES = frozenset(_GADGETS)
_BUILTINS = _words(
    "eval exec compile open __import__ getattr setattr delattr globals locals vars input breakpoint memoryview "
    "classmethod staticmethod help dir"
)
