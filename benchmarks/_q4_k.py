"""Q4_K as ggml's reference quantiser makes it (make_qkx2_quants in ggml-quants.c), which gguf-py only reads."""

from __future__ import annotations

import numpy as np

BLOCK, SUB, LEVELS, STEPS = 256, 32, 15, 20


def quantise(values: np.ndarray) -> np.ndarray:
    """Blocks of 144 bytes, one for each 256 values; the last axis must be a multiple of that."""
    x = np.ascontiguousarray(values, np.float32).reshape(-1, BLOCK // SUB, SUB)
    scales, mins = _search(x)
    d = (scales.max(1) / 63).astype(np.float16)
    dmin = (mins.max(1) / 63).astype(np.float16)
    six_scales, six_mins = _six_bits(scales), _six_bits(mins)
    step = d.astype(np.float32)[:, None] * six_scales
    low = dmin.astype(np.float32)[:, None] * six_mins
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = np.where(step[..., None] > 0, (x + low[..., None]) / step[..., None], 0)
    levels = np.clip(np.rint(levels), 0, LEVELS).astype(np.uint8)
    blocks = np.empty((len(x), 144), np.uint8)
    blocks[:, 0:2] = d[:, None].view(np.uint8)
    blocks[:, 2:4] = dmin[:, None].view(np.uint8)
    blocks[:, 4:16] = _packed_scales(six_scales, six_mins)
    blocks[:, 16:] = (levels[:, 0::2] | levels[:, 1::2] << 4).reshape(len(x), 128)
    return blocks.reshape(*values.shape[:-1], values.shape[-1] // BLOCK * 144)


def _search(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and (negated) minimum of each sub-block, by weighted least squares over a grid of first guesses."""
    weights = np.sqrt((x * x).mean(-1, keepdims=True)) + np.abs(x)
    least, most = np.minimum(x.min(-1), 0), x.max(-1)
    span = np.where(most > least, most - least, 1)
    scale, low = span / LEVELS, least
    best = _error(x, weights, np.rint(np.clip((x - least[..., None]) / scale[..., None], 0, LEVELS)), scale, low)
    sum_w, sum_x = weights.sum(-1), (weights * x).sum(-1)
    for step in range(STEPS + 1):
        inverse = (-1 + 0.1 * step + LEVELS) / span
        levels = np.clip(np.rint(inverse[..., None] * (x - least[..., None])), 0, LEVELS)
        sum_l = (weights * levels).sum(-1)
        sum_l2, sum_xl = (weights * levels * levels).sum(-1), (weights * x * levels).sum(-1)
        determinant = sum_w * sum_l2 - sum_l * sum_l
        with np.errstate(divide="ignore", invalid="ignore"):
            this_scale = (sum_w * sum_xl - sum_x * sum_l) / determinant
            this_low = (sum_l2 * sum_x - sum_l * sum_xl) / determinant
            this_scale = np.where(this_low > 0, sum_xl / sum_l2, this_scale)
        this_low = np.minimum(this_low, 0)
        error = _error(x, weights, levels, this_scale, this_low)
        better = (determinant > 0) & (error < best)
        best, scale, low = (
            np.where(better, new, old) for new, old in ((error, best), (this_scale, scale), (this_low, low))
        )
    flat = most <= least
    return np.where(flat, 0, scale), np.where(flat, -least, -low)


def _error(x: np.ndarray, weights: np.ndarray, levels: np.ndarray, scale: np.ndarray, low: np.ndarray) -> np.ndarray:
    return (weights * (scale[..., None] * levels + low[..., None] - x) ** 2).sum(-1)


def _six_bits(values: np.ndarray) -> np.ndarray:
    most = values.max(1, keepdims=True)
    return np.rint(np.where(most > 0, 63 * values / np.where(most > 0, most, 1), 0)).astype(np.uint8)


def _packed_scales(scales: np.ndarray, mins: np.ndarray) -> np.ndarray:
    """Eight scales and eight minima of six bits in twelve bytes (get_scale_min_k4 read backwards)."""
    packed = np.empty((len(scales), 12), np.uint8)
    packed[:, 0:4] = scales[:, :4] | scales[:, 4:] >> 4 << 6
    packed[:, 4:8] = mins[:, :4] | mins[:, 4:] >> 4 << 6
    packed[:, 8:12] = scales[:, 4:] & 15 | (mins[:, 4:] & 15) << 4
    return packed
