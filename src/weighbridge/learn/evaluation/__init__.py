"""Evaluation: what a model gets right, how sure it is, and whether it over- or underfits."""
