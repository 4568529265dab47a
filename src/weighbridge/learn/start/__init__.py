"""Starting weights: found, scanned, named by a digest, and put into a network.

- `find`: what a recipe's `start` says, as a `Start`: a place on this machine that has passed the safety checks.
- `load`: its tensors into a module. What does not fit is told tensor by tensor; a head for other classes stays new.
- `Loaded`: what was done, and the digest that a lock pins.

Nothing in a file is executed: tensors are read by `weighbridge.open`, never by `torch.load`.
"""

from weighbridge.learn.start.load import Loaded, load
from weighbridge.learn.start.source import Start, find

__all__ = ["Loaded", "Start", "find", "load"]
