"""The commands, in the order of `weigh --help`."""

from __future__ import annotations

# Command and its line in `weigh --help`; the module is weighbridge.cli.<command>, imported when the command runs.
COMMANDS = {
    "inspect": "Show what is inside a checkpoint.",
    "check": "Check a checkpoint: is it safe to open, is it sound?",
    "scan": "Tell whether files are safe to open.",
    "sign": "Sign a model: say that its files are what you published.",
    "verify": "Check a model's signature.",
    "bom": "Write a bill of materials: CycloneDX 1.6, with a model card.",
    "pack": "Store files in far fewer bytes.",
    "unpack": "Get stored files back, bit for bit.",
    "store": "Look after a store.",
    "train": "Train a model by a recipe.",
    "eval": "Measure a trained model again.",
    "reproduce": "Measure a model again, and train it again: is it what its recipe says?",
    "predict": "Say what a trained model makes of new inputs.",
    "merge-adapter": "Add a LoRA adapter to the weights that it was made for.",
    "serve": "Run a hub that Hugging Face clients use through HF_ENDPOINT.",
    "hub": "Manage a hub's users, organisations and tokens.",
    "push": "Publish a file or folder to a hub.",
    "pull": "Download a repository from a hub.",
}
