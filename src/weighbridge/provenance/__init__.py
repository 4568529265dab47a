"""Provenance: what files were made of, and by what.

- ``training.py``: a training run as in-toto's Statement v1 with SLSA's provenance v1: `training_run`.

A statement is plain values and holds no clock, no host and no path of the machine: the same run states the same bytes.
It is a claim of whoever holds the folder until a signature covers it.
"""

from weighbridge.provenance.training import FILE, training_run

__all__ = ["FILE", "training_run"]
