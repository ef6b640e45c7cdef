"""How do curves that were logged apart become rows of epochs? By the step that each value was logged at.

TensorBoard, MLflow and some JSON logs keep a list of (step, value) for each name. Where training and validation were
logged at the same steps these are the rows. Where one was logged more often, as training after every fifty batches, it
is averaged from one point of the other to the next.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise

from tuner.symptoms.readers import names
from tuner.symptoms.readers.reading import Column

Points = Sequence[tuple[float, float]]  # (step, value), in the order of the steps
SAME_STEPS = 0.8  # share of the rarer curve's steps that the other has, too, to be taken for rows
SPARSE = 10  # times as many points as the rarer curve: fewer is validation in some epochs only, more is batches
ALIKE = 0.5  # the last steps of two curves on one axis differ by no more than this share


def table_of(series: Mapping[str, Points]) -> tuple[dict[str, Column], tuple[str, ...]]:
    """Columns of equal rows, and a sentence for each thing that had to be done to get them."""
    by_epoch = {name: points for name, points in series.items() if names.quantity(name)[0] not in ("step", "none")}
    table: dict[str, Column] = {
        name: [value for _, value in points] for name, points in series.items() if name not in by_epoch
    }
    reference = _reference(by_epoch)
    if reference is None:
        return table, ()
    steps = [step for step, _ in by_epoch[reference]]
    averaged = [name for name, points in by_epoch.items() if not _fits(points, steps) and len(points) > len(steps)]
    if averaged:
        rows = {name: _windows(points, steps, name) for name, points in by_epoch.items()}
        said = f"{names.listed(averaged)} averaged from one point of '{reference}' to the next"
        return table | rows, (said,)
    axis = sorted({step for points in by_epoch.values() if _same(points, steps) for step, _ in points})
    for name, points in by_epoch.items():
        at = dict(points)
        table[name] = [at.get(step) for step in axis] if _same(points, steps) else [value for _, value in points]
    return table, ()


def continued(points: Points) -> list[tuple[float, float]]:
    """Points whose steps only grow: where a log starts over, what it writes again counts, as in TensorBoard."""
    kept: list[tuple[float, float]] = []
    for step, value in points:
        while kept and kept[-1][0] >= step:
            kept.pop()
        kept.append((step, value))
    return kept


def _reference(series: Mapping[str, Points]) -> str | None:
    """The curve whose steps are the epochs: the rarer of the losses (else of the accuracies, else of all)."""
    for quantities in (names.LOSSES, names.ACCURACIES, None):
        found = [
            name
            for name, points in series.items()
            if len(points) > 1 and (quantities is None or names.quantity(name)[1] in quantities)
        ]
        if found:
            return min(found, key=lambda name: len(series[name]))
    return next(iter(series), None)


def _same(points: Points, steps: Sequence[float]) -> bool:
    """Whether both were logged at the same steps, one of them perhaps in every k-th epoch only."""
    mine, theirs = {step for step, _ in points}, set(steps)
    fewer, more = sorted((len(mine), len(theirs)))
    return len(mine & theirs) >= SAME_STEPS * fewer and more <= SPARSE * fewer


def _fits(points: Points, steps: Sequence[float]) -> bool:
    return _same(points, steps) or abs(len(points) - len(steps)) <= 1


def _windows(points: Points, steps: Sequence[float], name: str) -> Column:
    """The mean of the points up to each step, since the one before; of the learning rate the last of them."""
    if len(points) <= len(steps):
        return [value for _, value in points]
    own = [step for step, _ in points]
    if abs(own[-1] - steps[-1]) <= ALIKE * max(abs(own[-1]), abs(steps[-1])):
        ends = [bisect_left(own, step + 1) for step in steps[:-1]] + [len(own)]
    else:  # one counts batches, the other epochs
        ends = [round(len(own) * (place + 1) / len(steps)) for place in range(len(steps))]
    column: list[float | None] = []
    for start, end in pairwise([0, *ends]):
        values = [value for _, value in points[start:end]]
        last = names.quantity(name)[1] in names.RATES
        column.append(None if not values else values[-1] if last else sum(values) / len(values))
    return column
