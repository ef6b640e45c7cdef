"""The layers as pictures: how large are gradients, updates and activations from the first layer to the last?

Few layers get a row with their name; many stand side by side, numbered, so that two hundred still fit one picture.

Source: CS231n, neural-networks-3, "ratio of weights:updates"; Glorot and Bengio 2010 on activations by depth.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tuner.inspection import Inspection, LayerReading
from tuner.report import words
from tuner.report.blocks import Block, Cell, Drawing, Figure, Fold, Table
from tuner.report.charts import lines, strips
from tuner.report.charts.frame import Band, Mark
from tuner.report.charts.scale import Axis, spread

RATIO_LOW, RATIO_HIGH = 1e-4, 1e-2  # of |update| / |weight|: around 1e-3 is usual (CS231n)
MOST_ROWS = 18  # layers that get a row of their own; more are numbered along an axis
MOST_BARS = 12  # of the table of dead and saturated units
MOST_DOTS = 600  # layers along an axis that get a dot each; more are a line
MOST_LISTED = 300  # of the table of all layers
WORTH_TELLING = 0.005  # share of dead or saturated units
SMALLEST = 1e-20  # what is smaller is drawn there
NAME = 24  # characters of a layer's name that fit beside a chart

Numbered = tuple[int, LayerReading]


@dataclass(frozen=True)
class Quantity:
    """One number a layer: what it is called, what it tells, and where it is healthy."""

    title: str
    axis: str
    message: str
    value: Callable[[LayerReading], float]
    healthy: tuple[float, float] | None = None


QUANTITIES = (
    Quantity(
        "Gradient by layer",
        "gradient, root mean square (log scale)",
        "How strongly the error asks each layer to change. It should be of about the same size everywhere.",
        lambda layer: layer.gradient_norm,
    ),
    Quantity(
        "Update against weight by layer",
        "|update| / |weight| (log scale)",
        "How far one step would move the weights. Shaded: the usual range. Above it training jumps;"
        " below it, it crawls or is finished.",
        lambda layer: layer.update_ratio,
        (RATIO_LOW, RATIO_HIGH),
    ),
    Quantity(
        "Spread of the activations by layer",
        "activation, standard deviation (log scale)",
        "How much the outputs of a layer differ from example to example. Steady with depth is good.",
        lambda layer: layer.activation_std,
    ),
)


SHARES: tuple[tuple[str, Callable[[LayerReading], float], str], ...] = (
    ("Dead", lambda layer: layer.dead_share, "Dead: zero for (nearly) every example."),
    ("Saturated", lambda layer: layer.saturated_share, "Saturated: at the flat ends of a sigmoid or tanh."),
)


def part(inspection: Inspection) -> Iterator[Block]:
    """A picture for each quantity that was measured, the shares of dead and saturated units, and all as a table."""
    numbered = list(enumerate(inspection.layers, 1))
    for quantity in QUANTITIES:
        known = [(number, layer) for number, layer in numbered if not math.isnan(quantity.value(layer))]
        if any(quantity.value(layer) > 0 and math.isfinite(quantity.value(layer)) for _, layer in known):
            yield _figure(quantity, known)
    shares = [one for one in numbered if _worst(one[1]) >= WORTH_TELLING]
    if shares:
        yield _shares(shares)
    if numbered:
        yield Fold(f"All {len(numbered)} layers in numbers" if len(numbered) > 1 else "The layer", (_all(numbered),))


def _figure(quantity: Quantity, known: list[Numbered]) -> Figure:
    values = [quantity.value(layer) for _, layer in known]
    positive = [value for value in values if 0 < value < math.inf]
    floor = max(min(positive) / 10, SMALLEST)
    axis = spread([max(value, floor) for value in values], quantity.axis, "log", include=quantity.healthy or ())
    if len(known) <= MOST_ROWS:
        wide, narrow = _rows(quantity, known, axis, floor)
    else:
        wide, narrow = _side_by_side(quantity, known, axis, floor)
    rows = tuple((str(n), layer.name, layer.kind, _number(quantity.value(layer))) for n, layer in known)[:MOST_LISTED]
    note = f"{len(rows)} of {len(known)} layers." if len(rows) < len(known) else ""
    table = Table(quantity.title, ("No.", "Layer", "Kind", "Value"), rows, "rllr", note=note)
    low, high = min(values), max(values)
    description = f"{words.plural(len(known), 'layer')}, from {_number(low)} to {_number(high)}."
    said = _apart(quantity, known)
    return Figure(quantity.title, f"{quantity.message}{said}", f"{description}{said}", wide, narrow, table)


def _rows(quantity: Quantity, known: list[Numbered], axis: Axis, floor: float) -> tuple[Drawing, Drawing]:
    rows = tuple(
        strips.Row(
            words.clean(layer.name, NAME),
            (strips.Dot(_drawn(quantity.value(layer), axis, floor), 1 if _above(quantity, layer) else 0),),
            _number(quantity.value(layer)),
        )
        for _, layer in known
    )
    band = (Band(*quantity.healthy, along="x"),) if quantity.healthy else ()
    return strips.draw_both(strips.Strips(rows, axis, bands=band))


def _side_by_side(quantity: Quantity, known: list[Numbered], axis: Axis, floor: float) -> tuple[Drawing, Drawing]:
    x = tuple(float(number) for number, _ in known)
    y = tuple(_drawn(quantity.value(layer), axis, floor) for _, layer in known)
    band = (Band(*quantity.healthy),) if quantity.healthy else ()
    depth = Axis("layer, counted from the input", 1, max(known[-1][0], 2), "integer")
    zeros = [Mark(number, "zero", style="warned") for number, layer in known if quantity.value(layer) == 0][:1]
    out = [index for index, (_, layer) in enumerate(known) if _above(quantity, layer)]
    alarmed = tuple(lines.Series("", (x[i],), (y[i],), 1) for i in out)
    each = tuple(lines.Series("", (at,), (value,)) for at, value in zip(x, y, strict=True))
    usual = each if len(each) <= MOST_DOTS else (lines.Series("", x, y),)
    chart = lines.LineChart(alarmed, depth, axis, usual, tuple(zeros), band, x[:MOST_LISTED])
    return lines.draw_both(chart)


def _drawn(value: float, axis: Axis, floor: float) -> float:
    """Where a value stands on a log axis: zero at its lower end, infinity at its upper one."""
    return axis.high if value == math.inf else max(value, floor, axis.low)


def _above(quantity: Quantity, layer: LayerReading) -> bool:
    """Drawn as an alarm. Below the range is none: there lies every model that has finished learning."""
    return quantity.healthy is not None and quantity.value(layer) > quantity.healthy[1]


def _apart(quantity: Quantity, known: list[Numbered]) -> str:
    """How many lie outside the usual range, in words; empty without such a range."""
    if quantity.healthy is None:
        return ""
    above = sum(_above(quantity, layer) for _, layer in known)
    below = sum(quantity.value(layer) < quantity.healthy[0] for _, layer in known)
    counted = [f"{count} {where} it" for count, where in ((above, "above"), (below, "below")) if count]
    return f" Of {words.plural(len(known), 'layer')}, {' and '.join(counted)}." if counted else " All layers lie in it."


def _worst(layer: LayerReading) -> float:
    return max((share for share in (layer.dead_share, layer.saturated_share) if math.isfinite(share)), default=0.0)


def _shares(numbered: list[Numbered]) -> Table:
    """The layers with dead or saturated units as bars, in the order of the network; of many the worst."""
    worst = sorted(numbered, key=lambda one: -_worst(one[1]))[:MOST_BARS]
    shown = [layer for _, layer in worst]
    kept = [one for one in SHARES if any(math.isfinite(one[1](layer)) for layer in shown)]
    rows = tuple(
        (f"{number}. {words.name(layer.name)}", layer.kind, *(_share(share(layer)) for _, share, _ in kept))
        for number, layer in sorted(worst, key=lambda one: one[0])
    )
    more = len(numbered) - len(rows)
    note = f"{' '.join(meaning for _, _, meaning in kept)} A few are normal."
    note += f" {words.plural(more, 'more layer')} below, in numbers." if more > 0 else ""
    title = " and ".join(name for name, _, _ in kept).capitalize()
    head = ("Layer", "Kind", *(name for name, _, _ in kept))
    return Table(f"{title} units", head, rows, "ll" + "r" * len(kept), note=note, style="tight")


def _share(value: float) -> Cell | str:
    return Cell(f"{value:.0%}", bar=min(max(value, 0.0), 1.0)) if math.isfinite(value) else ""


def _all(numbered: list[Numbered]) -> Table:
    head = (
        *("No.", "Layer", "Kind", "Parameters", "Weight", "Gradient", "Update / weight"),
        *("Activation, mean", "Activation, std", "Zero", "Dead", "Saturated"),
    )
    rows = tuple(_row(number, layer) for number, layer in numbered[:MOST_LISTED])
    note = "Weight and gradient as root mean square. Empty: the layer has no such thing."
    note += f" The first {MOST_LISTED} of {len(numbered)} layers." if len(numbered) > MOST_LISTED else ""
    return Table("All layers", head, rows, "rll" + "r" * 9, note=note, style="roomy")


def _row(number: int, layer: LayerReading) -> tuple[str | Cell, ...]:
    frozen = "" if layer.trainable or not layer.parameters else " (frozen)"
    numbers = (layer.weight_norm, layer.gradient_norm, layer.update_ratio, layer.activation_mean, layer.activation_std)
    shares = (layer.zero_share, layer.dead_share, layer.saturated_share)
    return (
        str(number), words.name(layer.name), f"{words.name(layer.kind)}{frozen}",
        words.count(layer.parameters) if layer.parameters else "",
        *("" if math.isnan(value) else _number(value) for value in numbers),
        *(f"{value:.0%}" if math.isfinite(value) else "" for value in shares),
    )  # fmt: skip


def _number(value: float) -> str:
    return "0" if value == 0 else words.compact(value)
