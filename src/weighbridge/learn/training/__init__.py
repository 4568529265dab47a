"""Training: a recipe, its data and a folder in; a model that people publish out. See `run`.

- *Subject*: what is trained. *Loop*: steps, evaluations, checkpoints. *Order*: which samples, by seed and number.
- *Checkpoints*: the loop's state in a store. *Record*: what happened, line by line. *Lock* (`pins`): what it all
  depends on. *Event*: what whoever watches is told.

Every random draw follows from the seed and a number, so going on from a checkpoint needs no generator's state.
"""

from weighbridge.learn.training.events import Evaluated, Event, Note, Preparing, Step, Tell
from weighbridge.learn.training.run import Result, run

__all__ = ["Evaluated", "Event", "Note", "Preparing", "Result", "Step", "Tell", "run"]
