"""Is there anything that training does not change, though it should?

Nothing trainable, a rate of zero, kernels that no step of the optimizer moves although they are trainable, weights that
are after training what they were before. A frozen backbone under a head that learns is none of these.

Source: SageMaker Debugger (a tensor that stays the same over three steps); DeepDiagnosis (unchanged weights).
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuner.probes.drawn import as_drawn
from tuner.probes.fitness import Fitness, fitness
from tuner.probes.graph import is_ours
from tuner.probes.passes import Passes, passes
from tuner.probes.probe import Probe
from tuner.probes.subject import Subject, schedule_of
from tuner.probes.update_ratio import updates
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

MOST = 0.2  # of the parameters that are frozen as they were drawn
MEDIOCRE = 0.9  # quality (0 a constant answer, 1 perfect) from which drawn weights do well enough as they are
USUAL = 1e-5  # a rate from which on weights that were given a gradient are seen to move


@dataclass(frozen=True)
class Unchanged:
    """What moves, and what does not."""

    trainable: int  # parameters
    frozen: int
    learning_rate: float | None
    unmoved: tuple[str, ...]  # layers with a trainable kernel that no step changed
    movable: int  # trainable kernels
    same: bool  # trained, and every trainable weight is what it was before
    random: tuple[str, ...]  # frozen layers whose kernel looks as it was drawn
    random_share: float  # of all parameters
    dead: bool  # a layer of dead or constant units lies above: then this is a consequence
    untracked: tuple[str, ...] = ()  # layer.attribute: variables of TensorFlow's that no optimizer of Keras sees
    scheduled: bool = False  # the rate follows a schedule, which may have come to its end as it should
    fitness: Fitness = field(default_factory=Fitness)


def measure(subject: Subject) -> Unchanged | None:
    """What moves in a subject's model; None where there is no loss or data."""
    found = passes(subject)
    if found is None:
        return None
    steps = updates(found)
    moved = _moved(found)
    owner = {w.path: w.layer for w in found.weights}
    frozen = [w for w in found.weights if not w.trainable]
    drawn = [w for w in frozen if as_drawn(found.model, w.path)]
    total = sum(w.parameters for w in found.weights)
    trainable = sum(w.parameters for w in found.weights if w.trainable)
    return Unchanged(
        trainable=trainable,
        frozen=total - trainable,
        learning_rate=subject.learning_rate,
        unmoved=tuple(owner[path] for path in steps.unmoved if path not in moved) if steps else (),
        movable=sum(w.trainable for w in found.weights),
        same=bool(subject.trained) and _same(found),
        random=tuple(dict.fromkeys(w.layer for w in drawn)),
        random_share=sum(w.parameters for w in drawn) / total if total else 0.0,
        dead=any(o.dead_share > 0.9 or o.saturated_share > 0.9 or o.signal == 0.0 for o in found.outputs if not o.head),
        untracked=_untracked(subject.model),
        scheduled=schedule_of(subject.optimizer) is not None,
        fitness=fitness(found),
    )


def judge(evidence: Unchanged, context: Context) -> Iterator[Verdict]:
    """`unchanged_weights`, with the reason that is nearest at hand."""
    if evidence.untracked and evidence.fitness.below(MEDIOCRE):
        yield _unseen(evidence)
    elif not evidence.trainable:
        because = "a model without trainable layers cannot learn"
        drawn = tuple(Change(f"layers.{name}.trainable", True, because) for name in evidence.random)
        changes = drawn or (Change("layers.trainable", True, because),)
        yield _failed(evidence, "No layer is trainable: training changes nothing.", changes)
    elif evidence.learning_rate == 0 and evidence.fitness.open and not (evidence.scheduled and context.epochs_planned):
        change = Change("optimizer.learning_rate", 1e-3, "a rate of zero takes no step", 0.0)
        yield _failed(evidence, "The learning rate is zero: training changes nothing.", (change,))
    elif evidence.same:
        rate = evidence.learning_rate
        change = (
            Change("layers.kernel_initializer", "glorot_uniform", "it is not the rate: no gradient comes through")
            if rate is not None and rate >= USUAL
            else Change("optimizer.learning_rate", 1e-3, "a usual rate moves the weights", rate)
        )
        sure = 0.95 if rate is None or rate < USUAL else 0.8  # with a usual rate the reason lies elsewhere
        yield _failed(evidence, "After training every trainable weight is what it was before.", (change,), sure)
    elif evidence.unmoved and not evidence.dead and evidence.fitness.open:
        yield _unmoved(evidence)
    elif evidence.random and evidence.random_share > MOST and evidence.fitness.below(MEDIOCRE):
        yield _random(evidence)


def _failed(evidence: Unchanged, sentence: str, changes: tuple[Change, ...], confidence: float = 0.95) -> Verdict:
    return Verdict(
        "unchanged_weights",
        Outcome.FAIL,
        sentence,
        {"trainable": evidence.trainable, "frozen": evidence.frozen, "learning_rate": evidence.learning_rate},
        changes,
        confidence=confidence,
        check="model.summary(): the number of trainable parameters",
        source="SageMaker Debugger, unchanged tensor",
    )


def _unmoved(evidence: Unchanged) -> Verdict:
    whole = len(evidence.unmoved) == evidence.movable
    names = tuple(dict.fromkeys(evidence.unmoved))
    return Verdict(
        "unchanged_weights",
        Outcome.WARN,
        f"{'None' if whole else f'{len(evidence.unmoved)} of {evidence.movable}'} of the trainable kernels "
        f"{'is' if whole else 'are not'} changed by a step: no gradient reaches "
        f"{', '.join(repr(n) for n in names[:3])}.",
        {"layers": names, "kernels": evidence.movable},
        tuple(
            Change(f"layers.{name}.kernel_initializer", "glorot_uniform", "it breaks a start at zero") for name in names
        ),
        confidence=0.85 if whole else 0.7,
        check="the way from these layers to the loss: a stopped gradient, a rounding, an argmax, a layer not connected",
        source="SageMaker Debugger, unchanged tensor; five steps on a copy",
    )


def _unseen(evidence: Unchanged) -> Verdict:
    names = ", ".join(evidence.untracked[:3])
    return Verdict(
        "unchanged_weights",
        Outcome.WARN,
        f"{names}: a tf.Variable that Keras does not know as a weight, and that no optimizer of it changes.",
        {"variables": evidence.untracked},
        (Change("layers", "look", "self.add_weight in build, or keras.Variable, makes weights that are trained"),),
        confidence=0.9,
        check="layer.trainable_variables: they are not among them",
        source="Keras 3, migration guide: tf.Variable attributes are not tracked",
    )


def _untracked(model: Any) -> tuple[str, ...]:
    """Trainable variables of TensorFlow's that hang on a layer of somebody's own and are none of its weights."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not hasattr(model, "_flatten_layers"):
        return ()
    return tuple(
        f"{layer.name}.{name}"
        for layer in model._flatten_layers()
        if not is_ours(layer)
        for name, value in vars(layer).items()
        for one in (value if isinstance(value, list | tuple) else (value,))
        if isinstance(one, tensorflow.Variable) and one.trainable
    )


def _random(evidence: Unchanged) -> Verdict:
    because = "its weights are still as they were drawn; frozen they cannot learn"
    return Verdict(
        "unchanged_weights",
        Outcome.WARN,
        f"{evidence.random_share:.0%} of the parameters are frozen at random values, and the model did not learn well.",
        {"layers": evidence.random, "share": evidence.random_share},
        tuple(Change(f"layers.{name}.trainable", True, because, False) for name in evidence.random),
        confidence=0.7,
        check="one epoch with these layers trainable: the training loss should fall further",
        source="the edge of the initializer's distribution: only a fresh kernel keeps within it",
    )


def _moved(found: Passes) -> set[str]:
    """Variables that are not what they were before training: something reached them once."""
    initial = found.subject.initial
    if initial is None or len(initial) != len(found.model.weights):
        return set()
    pairs = zip(found.model.weights, initial, strict=True)
    return {v.path for v, w in pairs if not np.array_equal(np.asarray(v.numpy()), np.asarray(w))}


def _same(found: Passes) -> bool:
    variables = found.model.trainable_variables
    known = found.subject.initial is not None and len(found.subject.initial) == len(found.model.weights)
    return known and bool(variables) and not _moved(found) & {v.path for v in variables}


PROBE = Probe("unchanged", "Is there anything that training does not change?", Unchanged, measure, judge)
