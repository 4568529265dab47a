"""Learning from somebody else's weights.

- `features`: what a frozen network says of samples, computed once; `FrozenSamples` are learned from like any others.
- `head`: the logistic layer on them, by LBFGS, as the head of the network.
- `lora`: small matrices learned beside frozen weights, in peft's files; `merge`: added to the weights they are for.
- `moved`: which starting weights changed, and how far.
"""

from weighbridge.learn.transfer.features import FrozenSamples, extract
from weighbridge.learn.transfer.head import HeadFit, fit_head
from weighbridge.learn.transfer.merge import merge_adapter
from weighbridge.learn.transfer.moved import Moved, moved, moved_by_layer

__all__ = [
    "FrozenSamples",
    "HeadFit",
    "Moved",
    "extract",
    "fit_head",
    "merge_adapter",
    "moved",
    "moved_by_layer",
]
