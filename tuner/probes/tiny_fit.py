"""Can the model learn a handful of examples by heart?

On a copy with first weights, dropout and penalties off. Where its own optimizer does not get there, Adam at a usual
rate tells a rate or optimizer from a model or labels at fault; and blank inputs tell whether the inputs matter at all.
Who was still on the way when the time was up is not accused.

Source: the lecture's step 2; CS231n ("overfit a tiny subset", 20 examples); Full Stack Deep Learning (what each shape
of failure means); TheDeepChecker (the blank control).
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.probes import forward, losses, stateless
from tuner.probes.decayed import decayed
from tuner.probes.initial_loss import chance_of
from tuner.probes.probe import Probe
from tuner.probes.starts import starts, with_weights
from tuner.records import Change, Outcome, Verdict, passed
from tuner.symptoms import Context

EXAMPLES = 16
STEPS = 300
SECONDS = 3.0  # for each attempt; a large model takes fewer steps
LEAST_STEPS = 150  # before "it stopped" means anything
DONE = 0.1  # of the loss of a constant answer: learned by heart
STUCK = 0.6  # of it: hardly learned at all
FALLING = 0.05  # share of the loss that the last quarter still took off: on its way
THROWN = 2.0  # times the start or chance: a rate that threw the weights out on the way
NOTHING = 1e-3  # of chance: what a loss that stands still may still move by
UNMOVED = 0.02  # share of the way that a rate too low has come
LEAST_WEIGHTS = 4.0  # trainable weights for each number to be learned: fewer are not enough by right
USUAL_RATE, SMALL_NET_RATE, SMALL_NET = 1e-3, 1e-2, 5000  # of Adam; weights
BLANK = 1.02  # loss on blank inputs over that on real ones, up to which the inputs do not matter


@dataclass(frozen=True)
class Attempt:
    """One try; `losses` holds up to 60 of the steps, evenly spaced."""

    optimizer: str
    learning_rate: float
    losses: tuple[float, ...]
    steps: int
    highest: float  # loss of any step
    shape: str  # fits | up | explode | oscillate | plateau | falling


@dataclass(frozen=True)
class TinyFit:
    """The attempts in order: its own optimizer, Adam, and Adam on blank inputs."""

    chance: float  # loss of a constant answer on these examples
    examples: int
    roomy: bool  # enough weights to learn them by heart
    own: Attempt
    adam: Attempt | None = None
    blank: Attempt | None = None


def measure(subject: Any) -> TinyFit | None:
    """Train copies on 16 examples for up to 300 steps or 5 seconds each; None where no chance level is known."""
    if subject.x is None or subject.y is None or isinstance(subject.y, dict | list | tuple) or not subject.optimizer:
        return None
    picked = _picked(subject)
    if len(picked) < 4 or isinstance(subject.loss, dict | list | tuple) or not stateless.compiled_loss(subject.model):
        return None
    x, y = forward.rows(subject.x, picked), np.asarray(subject.y)[picked]
    chance, _ = chance_of(losses.read(subject.loss), y)
    if not math.isfinite(chance) or chance <= 0 or _contradicts(x, y):
        return None
    try:
        return _attempts(subject, x, y, chance)
    except (*stateless.problems(), *forward.failures()):
        return None  # not the kind of fault that this probe is about: the static ones name it


def _attempts(subject: Any, x: Any, y: Any, chance: float) -> TinyFit:
    weights = sum(math.prod(w.shape) for w in subject.model.trainable_variables)
    roomy = weights >= LEAST_WEIGHTS * len(x) * max(1, np.asarray(y)[0].size)
    own = _train(subject, x, y, chance, None)
    if own.shape == "fits" or not roomy:
        return TinyFit(chance, len(x), roomy, own)
    usual = SMALL_NET_RATE if weights < SMALL_NET else USUAL_RATE
    adam = _train(subject, x, y, chance, usual)
    if adam.shape in ("fits", "falling"):
        return TinyFit(chance, len(x), roomy, own, adam)
    blank = _train(subject, keras.tree.map_structure(np.zeros_like, x), y, chance, usual)
    return TinyFit(chance, len(x), roomy, own, adam, blank)


def _picked(subject: Any) -> Any:
    """Up to 16 examples, the classes in turn where there are classes."""
    index = forward.sample(subject, 512)
    y = np.asarray(subject.y)[index]
    column = y.reshape(len(y), -1)
    if y.dtype.kind == "f" and column.shape[1] == 1 and len(np.unique(column)) > len(y) / 5:
        return index[:EXAMPLES]
    keys = column.argmax(1) if column.shape[1] > 1 else column[:, 0]
    turn = np.zeros(len(y), int)
    for key in np.unique(keys):
        turn[keys == key] = np.arange((keys == key).sum())
    return index[np.argsort(turn, kind="stable")[:EXAMPLES]]


def _contradicts(x: Any, y: Any) -> bool:
    """Equal inputs with different targets, or values that are not finite: nobody can learn these."""
    first = np.asarray(keras.tree.flatten(x)[0])
    if first.dtype.kind == "f" and not np.isfinite(first).all():
        return True
    return len({row.tobytes() for row in first}) < len(first)


def _train(subject: Any, x: Any, y: Any, chance: float, usual_rate: float | None) -> Attempt:
    model = _start(subject)
    if usual_rate is not None:
        model.compile(optimizer=keras.optimizers.Adam(usual_rate), loss=subject.loss)
    name = type(model.optimizer).__name__.lower()
    seen, began = [], time.monotonic()
    for step in range(STEPS):
        found = model.train_on_batch(x, y)
        seen.append(float(np.ravel(np.asarray(found))[0]))
        model.reset_metrics()  # or it would tell the mean of all steps
        if step == 0:
            began = time.monotonic()  # the first step traces
        done = len(seen) > 5 and max(seen[-3:]) < DONE * chance
        if done or _still(seen, chance) or not math.isfinite(seen[-1]) or time.monotonic() - began > SECONDS:
            break
    kept = tuple(seen[i] for i in np.unique(np.linspace(0, len(seen) - 1, min(60, len(seen))).astype(int)))
    return Attempt(
        name, float(np.asarray(model.optimizer.learning_rate)), kept, len(seen), max(seen), shape_of(seen, chance)
    )


def _still(seen: list[float], chance: float) -> bool:
    """Nothing has moved for long: more steps would show no more."""
    late = seen[-LEAST_STEPS // 2 :]
    return len(seen) >= LEAST_STEPS and max(late) - min(late) < NOTHING * chance


def _start(subject: Any) -> Any:
    """A copy with first weights and nothing that hinders."""
    model = next(iter(starts(subject)), None) or with_weights(subject, subject.model.get_weights())
    for variable in model.trainable_variables:
        variable.regularizer = None
    for layer in model._flatten_layers(include_self=False):
        for name in ("rate", "stddev", "dropout", "recurrent_dropout"):
            if isinstance(getattr(layer, name, None), float):
                setattr(layer, name, 0.0)
    return model


def shape_of(seen: list[float], chance: float) -> str:
    """The shape of a training loss against the loss of a constant answer."""
    if not all(map(math.isfinite, seen)) or (len(seen) > 2 and seen[-1] > 10 * max(seen[0], chance)):
        return "explode"
    last = float(np.mean(seen[-max(3, len(seen) // 20) :]))
    if max(seen[-3:]) < DONE * chance:
        return "fits"
    if len(seen) < LEAST_STEPS:
        return "falling"  # no time
    quarter = seen[-(len(seen) // 4) :]
    half = len(quarter) // 2
    before, after = float(np.mean(quarter[:half])), float(np.mean(quarter[half:]))
    swing = float(np.std(np.diff(quarter))) / max(after, 1e-12)
    if last > 1.2 * max(seen[0], chance):
        return "up"
    if swing > 0.2 and after > DONE * chance:
        return "oscillate"
    return "falling" if before - after > FALLING * before and before - after > UNMOVED * chance else "plateau"


def judge(evidence: TinyFit, context: Context) -> Iterator[Verdict]:
    """It fits, or its rate is to blame, or the model and its data are."""
    own, adam, blank = evidence.own, evidence.adam, evidence.blank
    if own.shape == "fits" or not evidence.roomy or adam is None:
        return
    if adam.shape == "fits":
        yield from _rate(evidence, own, adam, decayed(own.learning_rate, context))
        return
    if adam.shape == "falling" or _left(adam, evidence) < STUCK / 2:
        return
    same = blank is not None and _left(blank, evidence) <= BLANK * _left(adam, evidence)
    if same and adam.shape != "explode":
        yield _blind(evidence, adam)
    elif _left(adam, evidence) >= STUCK and own.shape != "falling":
        yield _cannot(evidence, own)


def _left(attempt: Attempt, evidence: TinyFit) -> float:
    """Loss at the end, as a share of the loss of a constant answer."""
    return float(np.mean(attempt.losses[-5:])) / evidence.chance


def _numbers(evidence: TinyFit) -> dict[str, Any]:
    attempts = {"own": evidence.own, "adam": evidence.adam, "blank": evidence.blank}
    return {
        "examples": evidence.examples,
        **{f"{name}_shape": a.shape for name, a in attempts.items() if a is not None},
        **{f"{name}_loss": _left(a, evidence) for name, a in attempts.items() if a is not None},
    }


def _rate(evidence: TinyFit, own: Attempt, adam: Attempt, ended: bool) -> Iterator[Verdict]:
    """The same model learns the same examples with Adam: rate or optimizer. A schedule that has ended is neither."""
    thrown = own.highest > THROWN * max(own.losses[0], evidence.chance)
    high = (own.shape in ("explode", "up", "oscillate") or thrown) and not _left(own, evidence) <= STUCK  # NaN too
    way = 1 - _left(own, evidence) * evidence.chance / max(own.losses[0], 1e-12)
    low = own.shape == "plateau" and not ended and not thrown and own.steps >= LEAST_STEPS and abs(way) < UNMOVED
    said = f"{evidence.examples} examples are learned by heart with adam at {adam.learning_rate:g}"
    if not high and not low:
        yield passed("cannot_overfit_tiny", f"{said}, and not yet with {own.optimizer}.", **_numbers(evidence))
        return
    name, word, factor = ("lr_too_high", "throws them out", 0.1) if high else ("lr_too_low", "does not move", 10.0)
    rate = float(f"{own.learning_rate * factor:.2g}")
    yield Verdict(
        name,
        Outcome.WARN,
        f"{said}; {own.optimizer} at {own.learning_rate:g} {word}.",
        _numbers(evidence),
        (Change("optimizer.learning_rate", rate, f"its own rate {word}", own.learning_rate),),
        confidence=0.8 if high else 0.7,
        check="tuner lr-find, or three short runs with the rate ÷10, as it is, ×10",
        source="Full Stack Deep Learning (a single batch that explodes, oscillates or stays)",
    )


def _blind(evidence: TinyFit, adam: Attempt) -> Verdict:
    return Verdict(
        "ignores_input",
        Outcome.FAIL,
        f"{evidence.examples} examples are learned no better than blank ones: what the inputs say does not reach the "
        "outputs.",
        _numbers(evidence),
        (Change("data.inputs", "look", "dead units, first weights of zero, or inputs that are all alike"),),
        confidence=0.72,  # dead units and weights that are alike do it too: what is surer explains it
        check="predict two different examples: equal answers to the last digit show it",
        source="TheDeepChecker (zeroed inputs)",
    )


def _cannot(evidence: TinyFit, own: Attempt) -> Verdict:
    why = {
        "up": "the loss goes up: the sign of the loss or the labels",
        "explode": "the loss explodes: numbers out of range, or first weights far too large",
        "oscillate": "the loss swings: contradicting labels, or a rate too high",
        "plateau": "the loss stands still: too few weights, dead units, or labels that do not belong to the inputs",
    }
    return Verdict(
        "cannot_overfit_tiny",
        Outcome.FAIL,
        f"{evidence.examples} examples cannot be learned by heart: {why.get(own.shape, own.shape)}.",
        _numbers(evidence),
        (
            Change("layers.kernel_initializer", "he_normal", "first weights that let a signal through"),
            Change("model.units", "x4", "more weights can hold more"),
        ),
        confidence=0.8,
        check="two examples of two classes; if even these fail, it is the model",
        source="CS231n; Full Stack Deep Learning",
    )


PROBE = Probe("tiny_fit", "Can the model learn a handful of examples by heart?", TinyFit, measure, judge, trains=True)
