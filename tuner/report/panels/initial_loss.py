"""Step 1 as a picture: where the untrained loss starts, against the loss of knowing nothing."""

from collections.abc import Iterator

from tuner.records import Finding
from tuner.report import read, words
from tuner.report.blocks import Block, Facts, Figure, Table
from tuner.report.charts import strips
from tuner.report.charts.frame import Band, Mark
from tuner.report.charts.scale import spread
from tuner.report.view import View


def panel(view: View, finding: Finding) -> Iterator[Block]:
    """A strip of the losses of each seed, without and with regularization, and the numbers."""
    evidence = finding.evidence
    expected, penalty = read.number(evidence, "expected"), read.number(evidence, "regularization")
    measured, regularized = read.numbers(evidence, "measured"), read.numbers(evidence, "regularized")
    with_penalty = f"with regularization {words.compact(penalty)}"
    groups = [(label, values) for label, values in (("untrained", measured), (with_penalty, regularized)) if values]
    if any(read.finite(values) for _, values in groups):
        yield _figure(groups, expected, read.number(evidence, "tolerance"))
    yield Facts(tuple(_facts(finding)))


def _figure(groups: list[tuple[str, tuple[float, ...]]], expected: float, tolerance: float) -> Figure:
    rows = tuple(
        strips.Row(label, tuple(strips.Dot(value, style) for value in values), _mean(values))
        for style, (label, values) in enumerate(groups)
    )
    around = [expected - tolerance, expected + tolerance] if tolerance == tolerance else [expected]
    axis = spread([v for _, values in groups for v in values], "loss of the untrained model, nats", include=around)
    known = expected == expected
    marks = (Mark(expected, f"knows nothing: {words.loss(expected)}"),) if known else ()
    band = (Band(around[0], around[-1], "x"),) if known and len(around) == 2 else ()
    wide, narrow = strips.draw_both(strips.Strips(rows, axis, marks, band))
    heads = ("Model", *(f"seed {index}" for index in range(max(len(values) for _, values in groups))))
    cells = tuple((label, *map(words.loss, values)) for label, values in groups)
    table = Table("Initial losses in nats", heads, cells, "l" + "r" * (len(heads) - 1))
    message = "One dot a seed. Dots belong on the dashed line; with regularization they must move right."
    means = "; ".join(f"{label} {_mean(values)}" for label, values in groups)
    description = f"Loss before training: {means}; expected {words.loss(expected)}."
    return Figure("Loss before any training", message, description, wide, narrow, table)


def _mean(values: tuple[float, ...]) -> str:
    known = read.finite(values)
    return f"mean {words.loss(sum(known) / len(known))}" if len(known) == len(values) and known else "not finite"


def _facts(finding: Finding) -> Iterator[tuple[str, str]]:
    evidence = finding.evidence
    expected = read.number(evidence, "expected")
    classes = read.whole(evidence, "num_classes")
    if expected == expected:
        source = "entropy of the class frequencies" if read.flag(evidence, "balanced") is False else f"ln {classes}"
        yield "Expected", f"{words.loss(expected)} nats ({source})" if classes else f"{words.loss(expected)} nats"
    if read.whole(evidence, "examples"):
        yield "Measured on", words.plural(read.whole(evidence, "examples") or 0, "image")
    if read.whole(evidence, "trainable_weights") is not None:
        yield "Weights in training", words.count(read.number(evidence, "trainable_weights"))
    logits = read.flag(evidence, "from_logits")
    if logits is not None:
        yield "Model ends in", "scores (logits)" if logits else "probabilities (softmax)"
