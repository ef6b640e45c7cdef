"""How is a change written into a recipe? As `--set` takes it; or not at all, where no recipe can say it.

Verdicts on curves speak of programs, too: of layers that are added, of inputs that are scaled. What is offered to the
owner of a recipe as a command has to be one that the recipe takes.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.recipe import Recipe


def as_setting(recipe: "Recipe", path: str, value: Any) -> str | None:
    """`path=value` for `--set`, in a form that this recipe takes; None where it does not."""
    from pydantic import ValidationError  # 0.3 s, for which nobody waits who has nothing to offer

    from tuner.recipe.schema import Recipe
    from tuner.recipe.space import AUGMENTATION

    if path == AUGMENTATION:
        value = [{name: dict(settings)} for name, settings in value]
    data = recipe.to_json()
    *above, key = path.split(".")
    inner: Any = data
    for part in above:
        inner = inner.get(part) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or key not in inner:
        return None
    inner[key] = value
    try:
        Recipe.from_json(data)
    except ValidationError:
        return None
    return f"{path}={value if isinstance(value, str) else json.dumps(value)}"
