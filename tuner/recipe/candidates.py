"""Which backbones does a recipe name? One as a rule; several candidates are ranked before step 1, and one is left.

Light: pydantic is imported only to make the recipe with the one that is left.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.recipe.schema import Recipe


def candidates(recipe: "Recipe") -> tuple[str, ...]:
    """The names under `model.backbone`, in the recipe's order."""
    named = recipe.model.backbone
    return (named,) if isinstance(named, str) else tuple(named)


def backbone_of(recipe: "Recipe") -> str:
    """The one backbone. Raises `ValueError` where several are still to be ranked."""
    named = candidates(recipe)
    if len(named) > 1:
        raise ValueError(f"the recipe names {len(named)} backbones, {', '.join(named)}: they have to be ranked first")
    return named[0]


def with_backbone(recipe: "Recipe", name: str) -> "Recipe":
    """The same recipe, from the same place, with `name` as its one backbone."""
    from tuner.recipe.schema import Origin, Recipe

    data = recipe.to_json()
    data["model"] = {**data["model"], "backbone": name}
    return Recipe.from_json(data, Origin(recipe.path, recipe.text, recipe.provenance))
