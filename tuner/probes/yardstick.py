"""Would a far simpler model have done better? A ridge regression and nearest neighbours, on the same examples.

A network that has settled, is poor on its training data, and is beaten on validation data by a straight line or by
looking up the nearest examples is too small, held back, or broken somewhere. A tie says nothing, nor does a network
that is about to learn: only a lead far beyond the noise of the validation examples counts.

Source: McNemar 1947 (two models on the same examples); the lecture's step 5 (underfitting); M. Zinkevich, Rules of
machine learning (begin with a simple model).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.probes import forward, losses, simple_models
from tuner.probes.probe import Probe
from tuner.probes.targets_kind import Targets, describe
from tuner.records import Change, Outcome, Verdict, passed
from tuner.symptoms import Context

MOST = 600  # training examples, and validation examples
LEAST = 60  # of either: fewer are too noisy
MOST_FEATURES = 20_000  # of one example
MOST_NUMBERS = 4  # columns of numbers to predict: an autoencoder's own inputs are no fair task
MEDIOCRE = 0.75  # quality (0 one answer to all, 1 perfect) from which the network is good enough to be left alone
AHEAD = 0.15  # of quality, by which a simple model has to lead
SIGMAS = 4.0  # standard errors of the difference, besides
TIE = 1.0  # standard errors of the difference
SOMETHING = 0.1  # of quality, from which the labels have to do with the inputs
BLIND, NOTHING = 3.0, 0.05  # standard errors and quality up to which nobody finds anything in the inputs
KNOWS = 0.25  # quality in training from which the network has learned numbers by heart
LEAST_TRAINING, LEAST_TESTED = 200, 100  # examples, to say so
FAR_AHEAD = 0.3  # of quality: then it is surer


@dataclass(frozen=True)
class Standing:
    """One simple model on the validation examples."""

    name: str  # ridge regression | look-up of the nearest neighbours
    quality: float
    lead: float  # over the network, in standard errors of the paired difference
    above_guessing: float  # its own quality, in standard errors
    balanced_lead: float  # of the mean recall over the classes, in its own unit; of numbers the same as the quality's


@dataclass(frozen=True)
class Yardsticks:
    """Quality is accuracy above the largest class's share for classes, R2 for numbers: 1 perfect, 0 one answer."""

    train_examples: int
    val_examples: int
    measure: str  # accuracy | R2
    training: float  # quality of the network on training examples
    validation: float  # and on the validation examples
    simple: tuple[Standing, ...]


def measure(subject: Any) -> Yardsticks | None:
    """Fit both on up to 600 examples; None where inputs or targets are no plain table, or nobody trained."""
    arrays = _arrays(subject)
    if arrays is None:
        return None
    x, y, val_x, val_y, kind, loss = arrays
    found = [forward.answers(subject.model, part) for part in (x, val_x)]
    if any(part is None or len(part) != 1 for part in found):
        return None
    ours, ours_val = (part[0] for part in found if part is not None)
    flat, flat_val = simple_models.standardized(_flat(x), _flat(val_x))
    classes = loss.family not in ("regression", "")
    wanted, truth = _wanted(y, val_y, classes)
    if not flat.shape[1] or ours_val.size not in (len(truth), truth.size, len(truth) * ours_val.shape[-1]):
        return None
    if not classes and ours_val.size != truth.size:
        return None  # one number is wanted and several are given: the loss compares them all by broadcasting
    network = _said(ours_val, loss) if classes else ours_val.reshape(truth.shape)
    simple = []
    for name, fit in (
        ("ridge regression", simple_models.ridge),
        ("look-up of the nearest neighbours", simple_models.neighbours),
    ):
        scores = fit(flat, wanted, flat_val)
        answer = np.unique(forward.labels(y))[scores.argmax(1)] if classes else scores
        simple.append(_standing(name, answer, network, truth, classes))
    return Yardsticks(
        len(x),
        len(val_x),
        "accuracy" if classes else "R2",
        forward.quality(ours, y, kind, loss),
        _quality(network, truth, classes),
        tuple(simple),
    )


def _arrays(subject: Any) -> tuple[Any, Any, Any, Any, Targets, losses.Loss] | None:
    """Training and validation examples, at most `MOST` of each, where they are plain tables of finite numbers."""
    given = (subject.x, subject.y, subject.val_x, subject.val_y)
    if subject.trained is False or any(part is None or isinstance(part, dict | list | tuple) for part in given):
        return None
    if isinstance(subject.loss, dict | list | tuple) or min(len(subject.x), len(subject.val_x)) < LEAST:
        return None
    rows, val_rows = forward.sample(subject, MOST), np.random.default_rng(1).permutation(len(subject.val_x))[:MOST]
    x, y = np.asarray(subject.x)[rows], np.asarray(subject.y)[rows]
    val_x, val_y = np.asarray(subject.val_x)[val_rows], np.asarray(subject.val_y)[val_rows]
    loss, kind = losses.read(subject.loss), describe(y)
    if kind is None or not _fair(kind, loss, y) or val_y.shape[1:] != y.shape[1:] or val_x.shape[1:] != x.shape[1:]:
        return None
    if any(part.dtype.kind not in "biuf" for part in (x, y, val_x, val_y)):
        return None
    finite = all(np.isfinite(part).all() for part in (x, y, val_x, val_y))
    return (x, y, val_x, val_y, kind, loss) if finite and x[0].size <= MOST_FEATURES else None


def _fair(kind: Targets, loss: losses.Loss, y: Any) -> bool:
    if loss.family in ("categorical", "sparse", "binary"):
        return kind.kind in ("one_hot", "classes", "binary") and y.ndim <= 2 and loss.ignored is None
    return loss.family == "regression" and kind.kind in ("numbers", "classes") and y[0].size <= MOST_NUMBERS


def _flat(x: Any) -> Any:
    return x.reshape(len(x), -1).astype("float64")


def _wanted(y: Any, val_y: Any, classes: bool) -> tuple[Any, Any]:
    """What the simple models fit (N, K), and the truth on the validation examples."""
    if not classes:
        return _flat(y), _flat(val_y)
    known = forward.labels(y)
    return (known[:, None] == np.unique(known)[None, :]).astype("float64"), forward.labels(val_y)


def _said(output: Any, loss: losses.Loss) -> Any:
    return forward.chosen(output + 0.5 if loss.from_logits and output.shape[-1] == 1 else output)


def _quality(answer: Any, truth: Any, classes: bool) -> float:
    if classes:
        _, counts = np.unique(truth, return_counts=True)
        base = counts.max() / len(truth)
        return float(((answer == truth).mean() - base) / max(1 - base, 1e-9))
    variance = float(truth.var(0).mean())
    return 1 - float(((answer - truth) ** 2).mean()) / variance if variance > 0 else math.nan


def _standing(name: str, answer: Any, network: Any, truth: Any, classes: bool) -> Standing:
    quality = _quality(answer, truth, classes)
    if classes:
        gains = (answer == truth).astype(float) - (network == truth)
        balanced = _recall(answer, truth) - _recall(network, truth)
        own = (answer == truth) - float(np.unique(truth, return_counts=True)[1].max() / len(truth))
    else:
        gains = ((network - truth) ** 2 - (answer - truth) ** 2).mean(1)
        balanced = quality - _quality(network, truth, classes)
        own = ((truth - truth.mean(0)) ** 2 - (answer - truth) ** 2).mean(1)
    return Standing(name, quality, _errors(gains), _errors(own), balanced)


def _errors(gains: Any) -> float:
    """A mean in its own standard errors."""
    error = float(gains.std()) / math.sqrt(len(gains))
    return float(gains.mean()) / error if error > 0 else 0.0


def _recall(answer: Any, truth: Any) -> float:
    return float(np.mean([(answer[truth == value] == value).mean() for value in np.unique(truth)]))


def judge(evidence: Yardsticks, context: Context) -> Iterator[Verdict]:
    """`underfit` where a simple model leads by far and the network does not even fit its training data."""
    best = max(evidence.simple, key=lambda one: one.quality)
    if best.above_guessing >= SIGMAS and best.quality >= SOMETHING:
        yield passed("shuffled_labels", f"A {best.name} predicts the labels: they belong to the inputs.")
        if best.lead <= TIE:
            yield passed("plateau", f"The network is as good as a {best.name}: the inputs may not tell more.")
    elif evidence.measure == "R2" and _blind(evidence, best):
        yield _unrelated(evidence, best)
    network = max(evidence.training, evidence.validation)
    ahead = best.quality - network
    if not network < MEDIOCRE or ahead < AHEAD or best.lead < SIGMAS or best.balanced_lead <= 0:
        return
    yield Verdict(
        "underfit",
        Outcome.WARN,
        f"A {best.name} on the same {evidence.train_examples} examples does better: {evidence.measure} "
        f"{'above chance ' if evidence.measure == 'accuracy' else ''}{best.quality:.2f} on validation, the network "
        f"{evidence.validation:.2f} and {evidence.training:.2f} on its own training examples.",
        {
            "yardstick": best.name,
            "yardstick_quality": best.quality,
            "validation_quality": evidence.validation,
            "training_quality": evidence.training,
            "standard_errors": best.lead,
        },
        (
            Change("model.units", "x4", "the network cannot say what a simpler model can"),
            Change("optimizer.learning_rate", "×3", "a rate too low settles nowhere near the optimum"),
        ),
        confidence=0.8 if ahead > FAR_AHEAD else 0.7,
        check="a copy four times as wide, without penalties and dropout: it has to reach the simple model",
        source="McNemar's comparison on the same examples; the lecture's step 5",
    )


def _blind(evidence: Yardsticks, best: Standing) -> bool:
    many = evidence.train_examples >= LEAST_TRAINING and evidence.val_examples >= LEAST_TESTED
    return many and best.above_guessing < BLIND and max(best.quality, evidence.validation) < NOTHING


def _unrelated(evidence: Yardsticks, best: Standing) -> Verdict:
    """Targets that nothing predicts; for classes `labels` asks more learners."""
    knows = evidence.training >= KNOWS
    return Verdict(
        "shuffled_labels",
        Outcome.WARN,
        f"On new examples neither the network (R2 {evidence.validation:.2f}) nor simple models ({best.quality:.2f}) "
        f"predict anything{', though it knows its training targets' if knows else ''}: the targets may not belong to "
        "the inputs.",
        {"training_quality": evidence.training, "validation_quality": evidence.validation, "yardstick": best.quality},
        (Change("data.labels", "look", "inputs and targets may come in different orders"),),
        confidence=0.85 if knows else 0.55,  # else a hard task looks the same: told after all others
        check="look at twenty inputs with their targets",
        source="Zhang et al. 2017",
    )


PROBE = Probe("yardstick", "Would a far simpler model have done better?", Yardsticks, measure, judge)
