"""Recipes: what a training run depends on, as one YAML file."""

from weighbridge.learn.recipe.model import (
    DataSpec,
    EvaluateSpec,
    HardwareSpec,
    ImageSpec,
    ModelSpec,
    Recipe,
    SplitSpec,
    TrainSpec,
)

__all__ = ["DataSpec", "EvaluateSpec", "HardwareSpec", "ImageSpec", "ModelSpec", "Recipe", "SplitSpec", "TrainSpec"]
