"""The check that a client asks for before each commit of a README.md."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from weighbridge.documents.cards import front_matter, parse_header
from weighbridge.errors import FormatError
from weighbridge.server.bodies import json_body

router = APIRouter()


class _Readme(BaseModel):
    content: str = ""
    repo_type: str | None = Field(None, alias="repoType")


@router.post("/api/validate-yaml")
def validate(readme: _Readme = json_body(_Readme)) -> JSONResponse:
    """400 with the fault where the card cannot be read; a README without a card is told as a warning."""
    errors: list[Any] = []
    header = front_matter(readme.content)
    try:
        parse_header(header)
    except FormatError as error:
        errors.append({"message": str(error)})
    warnings = [] if header else [{"message": "empty or missing yaml metadata in repo card"}]
    return JSONResponse({"errors": errors, "warnings": warnings}, 400 if errors else 200)
