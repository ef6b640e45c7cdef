"""Which JSON Schema do editors check recipes with? pydantic's, in the form that Draft 7 understands."""

from typing import Any

from tuner.hyperparameters import PATHS
from tuner.recipe.schema import Recipe

INHERITED = {"data": "Data", "model": "Model"}  # sections whose required keys may stand in a parent
DRAFT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> dict[str, Any]:
    """The schema of a recipe file, as data for `json.dumps`; each key's description is what an editor shows."""
    schema: dict[str, Any] = _draft_7(Recipe.model_json_schema(ref_template="#/definitions/{model}"))
    schema["definitions"] = schema.pop("$defs")
    schema["definitions"]["Search"]["properties"]["space"]["propertyNames"] = {"enum": list(PATHS)}
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "One other recipe, relative to this one, that this one is laid over: maps merge.",
    }
    needed = {key: {"required": schema["definitions"][kind].pop("required")} for key, kind in INHERITED.items()}
    whole = {"required": schema.pop("required"), "properties": needed}
    inherits = {"if": {"required": ["extends"]}, "then": {}, "else": whole}
    return {"$schema": DRAFT, "title": "Recipe of the seven-step tuner"} | schema | inherits


def _draft_7(node: Any) -> Any:
    """Without words beside a `$ref`, which Draft 7 would ignore: they move out, and the reference into `allOf`."""
    if isinstance(node, list):
        return [_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _draft_7(value) for key, value in node.items() if key != "title" or isinstance(value, dict)}
    if "$ref" in plain and len(plain) > 1:
        plain["allOf"] = [{"$ref": plain.pop("$ref")}]
    return plain
