"""Reproduction: a published model measured again, and trained again."""
