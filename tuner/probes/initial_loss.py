"""Does the untrained model know nothing, and does its penalty leave the data a say?

Fresh weights should start near the loss of a constant answer: ln C, the entropy of uneven classes, the variance of
numbers. A start far above lies in too large first weights. The penalty's pull on the weights is held against that of
the data.

Source: CS231n, neural-networks-3 (loss at chance); TheDeepChecker (tolerance of 100 %; gradient of the penalty >= 2
times that of the data).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.probes import forward, losses, stateless
from tuner.probes.probe import Probe
from tuner.probes.starts import starts
from tuner.probes.targets_kind import describe
from tuner.records import Change, Outcome, Verdict, passed
from tuner.symptoms import Context

EXAMPLES = 128
NOTED = 1.15  # of chance: worth a note
ABOVE, FAR_ABOVE = 3.0, 6.0  # of chance: inputs of unit size through usual weights start up to about twice chance
LEAST_EXCESS = 1.5  # nats above chance besides, for classes
PULL, STRONG_PULL = 2.0, 8.0  # gradient of the penalty over that of the data
BALANCED = 1.0  # the same, where the penalty is more than guessing costs besides
WEAKER, BARELY = (100, 1000, 10_000), 0.05  # factors that a penalty is divided by, until it pulls so much as the data
UNIT_SIZE = (0.1, 3.0)  # root mean square of inputs whose scale explains no such start
DRAWS = 2  # of fresh weights, where the first ones are not known


@dataclass(frozen=True)
class Start:
    """The loss of fresh weights, in the loss's own unit."""

    losses: tuple[float, ...]  # one for each draw, penalties left out
    chance: float  # of the best constant answer
    classes: int  # 0 for numbers
    penalty: float  # what the penalties add, mean over the draws
    pull: float  # norm of the penalty's gradient over that of the data's; 0 without penalties
    drawn: bool  # drawn anew; otherwise the known first weights
    penalized: bool  # any layer names a penalty
    input_size: float = math.nan  # root mean square of the inputs


def measure(subject: Any) -> Start | None:
    """Loss on up to 128 examples before training; None where first weights cannot be had or the loss has no chance."""
    if subject.y is None or subject.x is None or isinstance(subject.y, dict | list | tuple):
        return None
    loss = losses.read(subject.loss) if not isinstance(subject.loss, dict | list | tuple) else losses.Loss("custom")
    index = forward.sample(subject, EXAMPLES)
    x, y = forward.rows(subject.x, index), np.asarray(subject.y)[index]
    chance, classes = chance_of(loss, np.asarray(subject.y))
    if not math.isfinite(chance) or chance <= 0 or not stateless.compiled_loss(subject.model):
        return None
    try:
        found = [_read(model, x, y) for model in starts(subject, DRAWS)]
    except (*stateless.problems(), *forward.failures()):
        return None
    if not found:
        return None
    return Start(
        tuple(row[0] for row in found),
        chance,
        classes,
        float(np.mean([row[1] for row in found])),
        float(np.median([row[2] for row in found])),
        subject.initial is None and subject.trained is not False,
        any(variable.regularizer is not None for variable in subject.model.trainable_variables),
        float(np.sqrt(np.mean(np.square(np.asarray(subject.x[:EXAMPLES], "float64")))))
        if isinstance(subject.x, np.ndarray)
        else math.nan,
    )


def _read(model: Any, x: Any, y: Any) -> tuple[float, float, float]:
    """Data loss, penalty, and the ratio of their gradients."""
    values = stateless.values_of(model)
    found = stateless.loss(model, None, x, y, training=False)
    penalty = found.total - found.data
    if penalty <= 0:
        return found.data, 0.0, 0.0
    _, gradients = stateless.gradient_function(model)(values, x, y)
    pulls = [_pull(variable) for variable in model.trainable_variables]
    ours = math.sqrt(sum(float((pull**2).sum()) for pull in pulls))
    rest = 0.0
    for gradient, pull in zip(gradients, pulls, strict=True):
        if gradient is not None:
            rest += float(((np.asarray(keras.ops.convert_to_numpy(gradient), "float64") - pull) ** 2).sum())
    return found.data, penalty, ours / max(math.sqrt(rest), 1e-12)


def _pull(variable: Any) -> Any:
    """Gradient of a variable's own l1 or l2 penalty; zeros where it has none."""
    value = np.asarray(keras.ops.convert_to_numpy(variable.value), "float64")
    penalty = variable.regularizer
    l1, l2 = float(getattr(penalty, "l1", 0.0) or 0.0), float(getattr(penalty, "l2", 0.0) or 0.0)
    return l1 * np.sign(value) + 2 * l2 * value


def chance_of(loss: losses.Loss, y: Any) -> tuple[float, int]:
    """Loss of the best constant answer and the number of classes; NaN where it is not known."""
    kind = describe(y)
    if kind is None or loss.ignored is not None:
        return math.nan, 0
    if loss.family in ("categorical", "sparse", "binary") and kind.kind in ("one_hot", "classes", "binary"):
        if "focal" in loss.name or (loss.family == "binary" and kind.kind == "one_hot"):
            return math.nan, 0
        shares = np.asarray([n for n in kind.frequencies if n]) / max(sum(kind.frequencies), 1)
        return float(-(shares * np.log(shares)).sum()), kind.classes
    if kind.kind in ("numbers", "classes", "binary") and y.ndim <= 2:
        columns = y.reshape(len(y), -1).astype("float64")
        if loss.name == "mean_squared_error":
            return float(columns.var(0).mean()), 0
        if loss.name == "mean_absolute_error":
            return float(np.abs(columns - np.median(columns, 0)).mean()), 0
    return math.nan, 0


def judge(evidence: Start, context: Context) -> Iterator[Verdict]:
    """The start, then the penalty."""
    start = float(np.mean(evidence.losses))
    ceiling = max(evidence.chance, math.log(evidence.classes)) if evidence.classes > 1 else evidence.chance
    if not math.isfinite(start):
        yield _not_finite(evidence)
        return
    if evidence.classes:
        excess = start - ceiling
        if start >= ABOVE * ceiling and excess >= LEAST_EXCESS:
            yield _wrong(evidence, start, ceiling, 0.85 if start >= FAR_ABOVE * ceiling else 0.65)
        elif start > NOTED * ceiling:
            said = f"The untrained loss is {start:.3g}, guessing gives {ceiling:.3g}: confident too early."
            yield passed("init_loss_wrong", said, start=start, chance=ceiling)
    if evidence.pull >= (BALANCED if evidence.penalty >= ceiling else PULL):
        yield _overwhelming(evidence)
    elif evidence.penalty == 0 and not evidence.penalized:
        yield passed("reg_overwhelming", "Nothing in the model is penalized.")
    elif evidence.penalty == 0:
        yield passed("reg_not_applied", "A layer names a penalty, and it adds nothing to the loss.", penalty=0.0)


def _not_finite(evidence: Start) -> Verdict:
    return Verdict(
        "nan_or_inf",
        Outcome.FAIL,
        "The loss of the untrained model is not a finite number: inputs, targets or first weights are at fault.",
        {"losses": evidence.losses},
        (Change("data.drop_non_finite", True, "a loss over NaN is NaN"),),
        onset=1,
        confidence=0.9,
        check="evaluate the untrained model on ten examples, then on other ten",
        source="DeepLocalize",
    )


def _wrong(evidence: Start, start: float, chance: float, confidence: float) -> Verdict:
    weights = Change("layers.kernel_initializer", "glorot_uniform", "small first weights give small first scores")
    inputs = Change("data.scale_inputs", "standardize", "inputs of unit size give scores of unit size")
    return Verdict(
        "init_loss_wrong",
        Outcome.WARN,
        f"The untrained loss is {start:.3g}, and guessing gives {chance:.3g}: the first epochs go into unlearning.",
        {"start": start, "chance": chance, "classes": evidence.classes},
        (weights, inputs) if UNIT_SIZE[0] < evidence.input_size < UNIT_SIZE[1] else (inputs, weights),
        onset=1,
        confidence=confidence,
        check="evaluate freshly built models: three seeds near chance, or the first weights are too large",
        source="CS231n; TheDeepChecker",
    )


def _overwhelming(evidence: Start) -> Verdict:
    weaker = next((factor for factor in WEAKER if evidence.pull <= BARELY * factor), WEAKER[-1])
    return Verdict(
        "reg_overwhelming",
        Outcome.FAIL if evidence.pull >= STRONG_PULL else Outcome.WARN,
        f"The penalty pulls at the weights {evidence.pull:.1f} times as hard as the data do (it adds "
        f"{evidence.penalty:.3g} to a loss of {float(np.mean(evidence.losses)):.3g}).",
        {"pull": evidence.pull, "penalty": evidence.penalty},
        (Change("regularization.l2", f"÷{weaker}", "the data have to have the greater say"),),
        confidence=0.9 if evidence.pull >= STRONG_PULL else 0.75,
        check="the same training without penalties",
        source="TheDeepChecker (ratio of gradients >= 2)",
    )


PROBE = Probe("initial_loss", "Does the untrained model know nothing?", Start, measure, judge)
