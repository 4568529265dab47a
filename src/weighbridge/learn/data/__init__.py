"""Data: read from what people have, split, prepared, and named by digests.

- `load`: a recipe's data section -> `Splits`; `prepare`: one new input -> `Batch`, as training saw its own.
- `prepare_text`: the network's tokenizer meets splits of text; `augment`: training images changed at random.
- `sources/`: the ways in which people keep data, one file each; `SOURCES` names them all.
- `preparing/`: what turns raw images, rows and texts into arrays, and is kept with the model.

Needs no torch. Data larger than memory works where it lies in files of its own, or in Parquet, JSONL and HDF5.
"""

from weighbridge.learn.data.augment import augment
from weighbridge.learn.data.load import Like, load, prepare_text
from weighbridge.learn.data.places import Fetch, Fetched
from weighbridge.learn.data.preparing.text import Tokenizer
from weighbridge.learn.data.sources import SOURCES
from weighbridge.learn.data.values import Batch, Facts, Indices, Notice, Samples, Splits

__all__ = [
    "SOURCES",
    "Batch",
    "Facts",
    "Fetch",
    "Fetched",
    "Indices",
    "Like",
    "Notice",
    "Samples",
    "Splits",
    "Tokenizer",
    "augment",
    "load",
    "prepare_text",
]
