"""Documents that people write for us (recipes, policies): YAML read with bounds, and errors that name the line.

document = parse_yaml(text, "recipe.yaml")      plain values, and the line where each stands
recipe = fill(document, Recipe, RecipeError)    a pydantic model, or an error: "recipe.yaml:7: steps: …"
"""

from weighbridge.documents.fill import fill
from weighbridge.documents.yaml import Document, parse_yaml, read_yaml

__all__ = ["Document", "fill", "parse_yaml", "read_yaml"]
