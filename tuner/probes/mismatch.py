"""Does the model answer differently in training and in use?

Dropout and distorted inputs differ by design. Batch norm is not meant to: the loss in use is compared with the loss in
use once more, with each moving average replaced by the sample's own statistics. Nothing else differs.

Source: Ioffe and Szegedy 2015, section 3.1 (moving averages stand for the batch's statistics); TheDeepChecker (losses
of the two modes more than 50 % apart).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tuner.probes.fitness import Fitness, fitness
from tuner.probes.passes import Passes, passes
from tuner.probes.probe import Probe
from tuner.probes.recording import leaves
from tuner.probes.stateless import after_a_pass, loss, problems, taken, values_of
from tuner.probes.subject import Subject
from tuner.records import Change, Outcome, Verdict, passed
from tuner.symptoms import Context

APART = 1.5  # loss with the moving averages over that with the sample's statistics
MATTERS = 0.1  # the difference over the loss of the fresh model, or over itself where that is not known
FEW_STEPS = 10.0  # times 1 / (1 - momentum): after fewer steps weights and averages are still on their way
FEWER_STEPS = 3.0  # the same where the momentum is larger than usual: with the usual one they would be there
USUAL = 0.99  # Keras's own momentum: with a larger one it is the momentum that is late, not the run that is short
FITS = 0.9  # of the way from a constant answer to a perfect one, in use
FEW_EXAMPLES = 2  # of a batch: their statistics say nothing


@dataclass(frozen=True)
class Mismatch:
    """Losses in use, without penalties, in the loss's own unit."""

    moving: float  # as it is
    sample: float  # with the sample's statistics in place of the moving averages
    reference: float  # loss of guessing, or of the fresh model; NaN where not known
    momentum: float
    steps: int  # that the optimizer took; 0 where not known
    layers: tuple[str, ...]  # batch normalizations
    batch_size: int
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Mismatch | None:
    """The two losses; None without batch norm, or for a model that was not trained."""
    found = passes(subject)
    norms = [layer for layer in leaves(subject.model) if isinstance(layer, keras.layers.BatchNormalization)]
    if found is None or not norms or subject.trained is False:
        return None
    try:
        others = _recalibrated(found, norms)
        moving, sample = found.loss(False).data, found.loss(False, others).data
        reference = _reference(found)
    except problems():
        return None
    optimizer = subject.optimizer
    return Mismatch(
        moving,
        sample,
        reference,
        max(float(layer.momentum) for layer in norms),
        0 if optimizer is None else int(np.asarray(keras.ops.convert_to_numpy(optimizer.iterations))),
        tuple(layer.name for layer in norms),
        subject.batch_size,
        fitness(found),
    )


def judge(evidence: Mismatch, context: Context) -> Iterator[Verdict]:
    """`train_eval_mismatch` where the moving averages alone make the model much worse in use."""
    difference = evidence.moving - evidence.sample
    reference = evidence.reference if math.isfinite(evidence.reference) else evidence.moving
    apart = evidence.moving > APART * max(evidence.sample, 0.0) and difference > MATTERS * abs(reference)
    fits = evidence.fitness.quality > FITS  # measured in use: whatever the losses say, it does not hurt
    tiny = evidence.batch_size <= FEW_EXAMPLES
    if fits or (not apart and not tiny and math.isfinite(evidence.moving)):
        return
    early = 0 < evidence.steps < (FEW_STEPS if evidence.momentum <= USUAL else FEWER_STEPS) / (1 - USUAL)
    lower = Change("layers.batch_normalization.momentum", 0.9, "averages over ten steps follow", evidence.momentum)
    bigger = Change("data.batch_size", 32, "statistics of one or two examples say nothing", evidence.batch_size)
    if early and not tiny:  # a short run is no fault, and a longer one mends this by itself
        said = f"After {evidence.steps} steps the moving averages of batch norm are still on their way"
        numbers = {"moving": evidence.moving, "sample": evidence.sample, "steps": evidence.steps}
        yield passed("train_eval_mismatch", f"{said}: in use the loss is higher than it will be.", lower, **numbers)
        return
    why = (
        f"batches of {evidence.batch_size} have no statistics"
        if tiny
        else f"after {evidence.steps} steps averages with momentum {evidence.momentum:g} have not arrived"
        if 0 < evidence.steps < FEWER_STEPS / max(1 - evidence.momentum, 1e-6)
        else "the moving averages are not those of the data"
    )
    yield Verdict(
        "train_eval_mismatch",
        Outcome.WARN,
        f"In use the loss is {evidence.moving:.3g}, "
        f"with the sample's own statistics in batch norm {evidence.sample:.3g}: {why}.",
        {"moving": evidence.moving, "sample": evidence.sample, "steps": evidence.steps, "momentum": evidence.momentum},
        (bigger, lower) if tiny else (lower,),
        confidence=0.85 if difference > 3 * MATTERS * abs(reference) else 0.65,
        check="evaluate the training data: the loss should be that of the last epoch, or lower",
        source="Ioffe and Szegedy 2015, section 3.1; TheDeepChecker (50 %)",
    )


def _recalibrated(found: Passes, norms: list[Any]) -> list[Any]:
    """Non-trainable values with the sample's statistics, solved from what one pass in training mode adds to them."""
    held = [layer for layer in norms if not layer.trainable]  # as in `fit`: these keep their averages
    rows = found.rows[: 4 * 64]
    now = [np.asarray(v.numpy()) for v in found.model.non_trainable_variables]
    after = after_a_pass(found.model, taken(found.subject.x, rows), taken(found.subject.y, rows))
    momentum: dict[str, float] = {}
    for layer in norms:
        if layer not in held and layer.momentum < 1:
            momentum |= {layer.moving_mean.path: layer.momentum, layer.moving_variance.path: layer.momentum}
    solved = []
    for variable, old, new in zip(found.model.non_trainable_variables, now, after, strict=True):
        part = momentum.get(variable.path)
        value = old if part is None else (new.astype("float64") - part * old) / (1 - part)
        solved.append(
            np.maximum(value, 0.0).astype(old.dtype)
            if part is not None and "variance" in variable.path
            else np.asarray(value, old.dtype)
        )
    return solved


def _reference(found: Passes) -> float:
    initial = found.subject.initial
    if initial is None or len(initial) != len(found.model.weights):
        return math.nan
    ours = {v.path: w for v, w in zip(found.model.weights, initial, strict=True)}
    values = [ours[v.path] for v in found.model.trainable_variables]
    return loss(found.model, values or values_of(found.model), *found.batch(0), training=True).data


PROBE = Probe("mismatch", "Does the model answer alike in training and in use?", Mismatch, measure, judge)
