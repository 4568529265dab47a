"""The Hugging Face Hub's HTTP API, as far as its clients (huggingface_hub 1.19 and 2.4) use it for repositories.

One module for each family of calls; `shapes` holds the JSON they share. Each endpoint checks the request's form, makes
one call of the hub, and shapes the answer. Where a client and a description of the API differ, the client is right:
tests/e2e runs the real ones.
"""

from fastapi import APIRouter

from weighbridge.server.hf import (
    account,
    card,
    commit,
    discussions,
    files,
    info,
    lfs,
    listing,
    preupload,
    refs,
    report,
    repos,
    reproductions,
    tree,
)

# `files` and `tree` end in a path of any length: what is more particular comes first.
_FAMILIES = (
    *(account, card, repos, listing, info, report, reproductions, refs, discussions, preupload, commit, lfs),
    *(tree, files),
)


def router() -> APIRouter:
    """All of it."""
    whole = APIRouter()
    for family in _FAMILIES:
        whole.include_router(family.router)
    return whole


__all__ = ["router"]
