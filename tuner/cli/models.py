"""`tuner models`: which networks can a recipe name, what does each take, and what is inside one, layer by layer?

The list waits for nothing: it is recorded. One network by name is built by Keras, without its weights, so that VGG16
takes no half gigabyte to be looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.cli.cache import size
from tuner.cli.options import WRONG_USE, Settings, common_options, emit_json, fail
from tuner.cli.runs import aligned
from tuner.recipe import names

if TYPE_CHECKING:
    import keras

    from tuner.models.backbones import Backbone
    from tuner.models.table import LayerRow, Totals

COLUMNS = ("name", "year", "parameters", "GFLOPs", "size", "least", "weights", "what for")
NUMBERS = ("year", "parameters", "GFLOPs", "size", "least")  # columns that are set flush right
LAYER_COLUMNS = ("layer", "kind", "kernel", "stride", "in", "out", "parameters")
LAYER_NUMBERS = ("in", "out", "parameters")
BRIEF = (
    "Normalization",
    "Activation",
    "ReLU",
    "Dropout",
    "Rescaling",
    "ZeroPadding2D",
    "LayerScale",
    "StochasticDepth",
)
"""Kinds of layers (ends of their names) that the table leaves to one line, unless -v asks for all."""
WEIGHTS = {"keras": "imagenet", "package": "imagenet, offline", "none": "-"}
OWN_SIZE, OWN_CLASSES = 224, 10  # of a user's model, unless others are asked for


@click.command()
@click.argument("name", required=False)
@click.option("--image-size", type=click.IntRange(8, 4096), metavar="N", help="Pixels each way instead of its own.")
@click.option(
    "--classes", type=click.IntRange(2, 100_000), metavar="N", help="Classes instead of the published number."
)
@click.option(
    "--normalization", type=click.Choice(names.NORMALIZATIONS), default=names.NORMALIZATIONS[0], show_default=True
)
@click.option("--backbone", "bare", is_flag=True, help="Without its classifier, as a recipe takes it.")
@common_options
def models(
    settings: Settings, name: str | None, image_size: int | None, classes: int | None, normalization: str, bare: bool
) -> None:
    """List the networks that a recipe can name; with NAME, one of them layer by layer.

    NAME is one of the list, or a network of your own: python:MODULE:FUNCTION. -v shows every layer.
    """
    if name is None:
        _list(settings)
        return
    from tuner import backend
    from tuner.models.backbones import find_backbone
    from tuner.models.errors import ModelError

    try:
        if not name.startswith(names.PYTHON):
            find_backbone(name)  # before Keras is waited for
        backend.choose("cpu", verbose=settings.verbose > 1)
        backend.import_keras()
        model = _built(name, image_size, classes, normalization, bare)
    except ModelError as error:
        fail(str(error), WRONG_USE)
    _show(settings, name, model, bare)


def _list(settings: Settings) -> None:
    """All backbones, the oldest first."""
    from tuner.models.backbones import BACKBONES
    from tuner.models.figures import FIGURES

    order = sorted(BACKBONES.values(), key=lambda backbone: FIGURES[backbone.name].year)
    if settings.json:
        described = [
            {"name": b.name, **asdict(FIGURES[b.name]), "default_size": b.default_size, "min_size": b.min_size}
            | {"imagenet": b.weights != "none"}
            for b in order
        ]
        emit_json("tuner.models/1", {"models": described})
        return
    rows = [_described(backbone) for backbone in order]
    click.echo("\n".join(aligned([COLUMNS, *rows], NUMBERS)))
    click.echo(
        "\nParameters and GFLOPs with the published classifier, at the published size. One of them: tuner models NAME"
    )


def _described(backbone: "Backbone") -> tuple[str, ...]:
    """The cells of one backbone, in the order of `COLUMNS`."""
    from tuner.models.figures import FIGURES

    found = FIGURES[backbone.name]
    costs = (_millions(found.parameters), f"{found.gigaflops:.3g}")
    sizes = (str(backbone.default_size), str(backbone.min_size))
    return (backbone.name, str(found.year), *costs, *sizes, WEIGHTS[backbone.weights], found.about)


def _built(name: str, image_size: int | None, classes: int | None, normalization: str, bare: bool) -> "keras.Model":
    """The network. Raises `ModelError` for what cannot be built."""
    if name.startswith(names.PYTHON):
        from tuner.models.user_models import build_user_model

        pixels = image_size or OWN_SIZE
        return build_user_model(name, Path.cwd(), (pixels, pixels, 3), classes or OWN_CLASSES)
    from tuner.models.published import published
    from tuner.models.weightless import weightless

    with weightless():
        return published(name, image_size, classes, normalization, top=not bare)


def _show(settings: Settings, name: str, model: "keras.Model", bare: bool) -> None:
    from tuner.models.table import layer_table, totals

    rows, found = layer_table(model), totals(model)
    if settings.json:
        payload = {"name": name, "backbone": bare, "input": model.input_shape[1:], "output": model.output_shape[1:]}
        emit_json("tuner.model/1", {**payload, **asdict(found), "layers": [asdict(row) for row in rows]})
        return
    shown = [row for row in rows if settings.verbose or not row.kind.endswith(BRIEF)]
    click.echo("\n".join(aligned([LAYER_COLUMNS, *map(_cells, shown)], LAYER_NUMBERS)))
    click.echo()
    click.echo("\n".join(_summary(name, model, rows, shown, found, bare)))


def _cells(row: "LayerRow") -> tuple[str, ...]:
    sides = (_times(row.kernel), _times(row.stride), _times(row.input), _times(row.output))
    return (row.name, row.kind, *sides, f"{row.parameters:,}")


def _times(shape: Sequence[int | None] | None) -> str:
    return " x ".join("?" if side is None else str(side) for side in shape) if shape else "-"


def _summary(
    name: str,
    model: "keras.Model",
    rows: Sequence["LayerRow"],
    shown: Sequence["LayerRow"],
    found: "Totals",
    bare: bool,
) -> Iterator[str]:
    """The totals, what other counts mean, and how a recipe names the network."""
    from tuner.models.backbones import BACKBONES
    from tuner.models.figures import FIGURES, OTHER_COUNTS

    hidden = len(rows) - len(shown)
    if hidden:
        inside = sum(row.parameters for row in rows) - sum(row.parameters for row in shown)
        what = "layer that normalizes, activates or drops" if hidden == 1 else "layers that normalize, activate or drop"
        yield f"and {hidden} {what}: {inside:,} parameters (-v shows all)"
    kept = f", and {found.kept:,} values that are kept and not learned" if found.kept else ""
    yield f"Total    {found.parameters:,} parameters{kept}; {size(found.weight_bytes)} in float32"
    image = _times(model.input_shape[1:])
    yield f"An image {image}: {found.operations / 1e9:.3g} GFLOPs, {size(found.map_bytes)} of maps"
    if name not in FIGURES:
        return
    figures = FIGURES[name]
    if name in OTHER_COUNTS and not bare:
        yield f"Counts   {OTHER_COUNTS[name]}"
    yield f"Network  {figures.about} ({figures.year})"
    yield f"Backbone {figures.backbone:,} parameters without the classifier, {figures.features:,} features of an image"
    weights = "none" if BACKBONES[name].weights == "none" else "imagenet"
    yield f"Recipe   model: {{backbone: {name}, weights: {weights}}}"


def _millions(count: int) -> str:
    return f"{count / 1e6:.3g} M" if count >= 1e6 else f"{count / 1e6:.2g} M"
