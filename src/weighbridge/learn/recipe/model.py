"""What a recipe says, field by field. `read.py` makes these from YAML and names the line of what is wrong."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitSpec(_Part):
    """How samples are divided where the data does not say it itself. Shares are of all samples."""

    validation: Share = 0.0
    test: Share = 0.0
    seed: int = 0
    stratify: bool = True
    column: str | None = Field(default=None, description="A column (or JSON key) that says train, validation or test.")

    @model_validator(mode="after")
    def _something_left(self) -> SplitSpec:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to learn from")
        return self


class ImageSpec(_Part):
    size: Count | None = Field(default=None, description="Pixels of a side after resizing; as it is if not given.")
    channels: Literal[1, 3] | None = None
    crop: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0, description="Share of the middle that is kept.")
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    normalise: Literal["imagenet", "data", "none"] | tuple[tuple[float, ...], tuple[float, ...]] = Field(
        default="data", description="Mean and standard deviation: ImageNet's, those of the training images, or given."
    )
    augment: tuple[Literal["flip", "shift", "rotate", "crop", "cutout"], ...] = ()


class TextSpec(_Part):
    max_length: Count = 128


class DataSpec(_Part):
    """Where samples come from. `path` may name environment variables (`${ANIMALS}`); `hub:org/name@revision` is a
    dataset on a hub."""

    path: str
    files: tuple[str, ...] = Field(
        default=(), description="Patterns such as en/*.parquet: of a folder or a hub's dataset, these files alone."
    )
    format: str = Field(default="auto", description="A name from weighbridge.learn.data.SOURCES, or found by itself.")
    test: str | None = Field(default=None, description="A file or folder of its own for the test split.")
    inputs: str | tuple[str, ...] | None = Field(default=None, description="Key or columns of the inputs.")
    target: str | None = Field(default=None, description="Key or column of the target.")
    columns: dict[str, Literal["number", "category", "ignore"]] = Field(
        default={}, description="What columns of a table hold, where it is not what it looks like."
    )
    missing: Literal["refuse", "remove"] = Field(default="refuse", description="Rows of a table with an empty cell.")
    task: Literal["classification", "regression", "language"] | None = None
    only: tuple[str, ...] = Field(default=(), description="Keep samples of these classes alone.")
    classes: dict[str, tuple[str, ...]] = Field(
        default={}, description='Classes joined under a new name: {cat: [Cat], other: ["*"]}.'
    )
    names: tuple[str, ...] = Field(
        default=(), description="Names of the classes 0, 1, … where the data has numbers alone."
    )
    labels: Count | None = Field(
        default=None, description="Learn from so many samples only, drawn evenly from the classes."
    )
    limits: dict[Literal["train", "validation", "test"], Count] = Field(
        default={}, description="At most so many samples."
    )
    duplicates: Literal["remove", "keep", "refuse"] = "remove"
    split: SplitSpec = SplitSpec()
    image: ImageSpec = ImageSpec()
    text: TextSpec = TextSpec()


class ModelSpec(_Part):
    network: str = Field(description="A name from weighbridge.learn.networks.NETWORKS; `timm/NAME` for any of timm's.")
    options: dict[str, Any] = Field(default={}, description="What the network itself takes.")


class LoraSpec(_Part):
    rank: Count = 8
    alpha: Positive = 16.0
    dropout: Share = 0.0
    targets: tuple[str, ...] = Field(
        default=(), description="Ends of module names; peft's choice for the network if empty."
    )


class OptimizerSpec(_Part):
    name: Literal["adamw", "adam", "sgd", "rmsprop", "lbfgs"] = "adamw"
    learning_rate: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    momentum: Share = 0.9
    betas: tuple[Share, Share] = (0.9, 0.999)
    layer_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="Each layer below the head learns at this multiple of the rate of the one above."
    )


class ScheduleSpec(_Part):
    name: Literal["constant", "linear", "cosine", "onecycle"] = "cosine"
    warmup: Share = Field(default=0.0, description="Share of all steps in which the rate rises from 0.")


class StoppingSpec(_Part):
    metric: str = "loss"
    patience: Count = Field(default=5, description="So many evaluations without gain end the run.")


class CheckpointSpec(_Part):
    every: Count | None = Field(
        default=None, description="Steps between checkpoints; at every evaluation if not given."
    )
    keep: Count = 3


class TrainSpec(_Part):
    what: Literal["all", "head", "lora"] = "all"
    lora: LoraSpec = LoraSpec()
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    epochs: Positive | None = None
    steps: Count | None = None
    batch_size: Count = 32
    accumulate: Count = Field(default=1, description="Batches that make one step.")
    clip: Positive | None = Field(default=None, description="Largest norm of a step's gradient.")
    label_smoothing: Share = 0.0
    precision: Literal["float32", "bfloat16", "float16", "auto"] = "auto"
    seed: int = 0
    stopping: StoppingSpec | None = None
    checkpoints: CheckpointSpec = CheckpointSpec()
    baseline: bool = Field(
        default=False, description="Also train all of it from nothing on the same data in as many steps, and compare."
    )

    @model_validator(mode="after")
    def _one_length(self) -> TrainSpec:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("say either epochs or steps")
        return self


class EvaluateSpec(_Part):
    metrics: tuple[str, ...] = ()
    every: Count | None = Field(default=None, description="Steps between evaluations; once an epoch if not given.")
    batch_size: Count = 256


class HardwareSpec(_Part):
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Count | Literal["auto"] = Field(default="auto", description="Chosen by measuring where not given.")
    processes: Count = 1
    sharding: Literal["none", "fsdp"] = "none"


class ReproduceSpec(_Part):
    tolerance: dict[str, float] = Field(
        default={}, description="How far each metric may be where bits cannot be the same."
    )


class Recipe(_Part):
    """Everything that a training run depends on, before it is pinned."""

    recipe: Literal[1] = Field(description="Version of this format.")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]
    description: str = ""
    licence: str | None = None
    data: DataSpec
    model: ModelSpec
    start: str | None = Field(
        default=None, description="A local path, package:NAME/FILE, or org/model@revision on a hub; none: from nothing."
    )
    train: TrainSpec
    evaluate: EvaluateSpec = EvaluateSpec()
    hardware: HardwareSpec = HardwareSpec()
    reproduce: ReproduceSpec = ReproduceSpec()
