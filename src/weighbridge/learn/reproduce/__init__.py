"""Reproduction: a published model measured again, and trained again, each with a verdict.

- `again`: the data that a model was made with, found once more.
- `before`: what is other here than it was there, named before any work begins.
- `measuring`: the published metrics once more, to the last digit.
- `training`: the published weights once more, bit for bit, or how far off and from which step on.
"""
