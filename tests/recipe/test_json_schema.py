"""The schema for editors: Draft 7, complete, and of one mind with the loader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuner.recipe.json_schema import json_schema
from tuner.recipe.paths import all_paths

ROOT = Path(__file__).parents[2]
NEWER_THAN_DRAFT_7 = {"$defs", "prefixItems", "dependentRequired", "unevaluatedProperties", "$dynamicRef"}


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


def test_it_has_no_word_that_draft_7_lacks() -> None:
    schema = json_schema()
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    for node in nodes(schema):
        assert not NEWER_THAN_DRAFT_7 & set(node)
        assert "$ref" not in node or len(node) == 1, "draft 7 ignores what stands beside $ref"


def test_every_reference_leads_somewhere() -> None:
    schema = json_schema()
    targets = {f"#/definitions/{name}" for name in schema["definitions"]}
    assert {node["$ref"] for node in nodes(schema) if "$ref" in node} <= targets


def test_every_setting_has_its_sentence() -> None:
    schema = json_schema()
    sections = [schema, *schema["definitions"].values()]
    settings = [(key, value) for section in sections for key, value in section.get("properties", {}).items()]
    assert len(settings) >= len(all_paths())
    for key, value in settings:
        target = schema["definitions"].get(value.get("$ref", "").rpartition("/")[2], {})
        assert (value | target)["description"].endswith("."), key


def test_no_section_takes_unknown_keys() -> None:
    schema = json_schema()
    assert all(section["additionalProperties"] is False for section in [schema, *schema["definitions"].values()])


def test_the_schema_beside_the_recipes_is_the_present_one() -> None:
    written = json.loads((ROOT / "recipes" / "recipe.schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(), "tuner schema -o recipes/recipe.schema.json"
