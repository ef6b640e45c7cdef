"""`tuner schema`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuner.recipe.json_schema import json_schema

Tuner = Callable[..., Any]


def test_it_prints_the_schema(tuner: Tuner) -> None:
    for options in ([], ["--json"]):
        done = tuner("schema", *options)
        assert done.code == 0
        assert json.loads(done.out) == json_schema()


def test_it_writes_the_schema(tuner: Tuner, tmp_path: Path) -> None:
    path = tmp_path / "recipe.schema.json"
    assert tuner("schema", "-o", "recipe.schema.json").out == f"Wrote {path}\n"
    assert json.loads(path.read_text()) == json_schema()
    told = json.loads(tuner("schema", "-o", "recipe.schema.json", "--json").out)
    assert told == {"schema": "tuner.schema/1", "path": str(path)}
