"""Step 1: check the initial loss.

An untrained classifier should know nothing: over C classes its softmax cross-entropy starts at ln C nats. Where the
classes are not equally frequent, a model that knew these frequencies and nothing else would start at their entropy,
so anything between the two is chance. Far above lies a head that is confident before it has learned; below, a leak
or a wrong class count. A penalty on the head's weights, switched on, has to raise the loss; a decoupled decay
(AdamW's `weight_decay`) acts on the weights and never stands in the loss.

Source: the lecture's step 1; CS231n, neural-networks-3, "sanity checks"; A. Karpathy, A recipe for training neural
networks ("verify loss @ init").
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.models import Classifier, structure_of
from tuner.records import Change, Step, Verdict, failed, passed, warned
from tuner.steps.situation import situation
from tuner.store import Store
from tuner.training import initial_losses

BALANCED = 0.01  # nats between ln C and the entropy of the class frequencies that still count as none
LEAST_RISE = 1e-4  # nats; float32 rounds a loss of a few nats to about 1e-6
SUM_TOLERANCE = 1e-3  # half precision rounds a sum of probabilities to about this
PROBED_IMAGES = 8  # enough to see whether outputs are probabilities
ACTIVE_INITIALIZER = "glorot_uniform"  # a head of zeros has no weights that a penalty could weigh


@dataclass(frozen=True)
class InitialLoss:
    """Cross-entropy of untrained models on training images, in nats, without and with a penalty on the head."""

    expected: float  # entropy of the class frequencies; ln C when balanced
    num_classes: int
    balanced: bool
    measured: tuple[float, ...]  # one per seed, without any penalty
    regularization: float  # the l2 penalty that was switched on
    regularized: tuple[float, ...]  # one per seed: what the penalty makes of `measured`
    examples: int
    trainable_weights: int
    from_logits: bool  # what the loss takes the outputs for: scores, or probabilities
    declared_from_logits: bool | None  # what the recipe says; None for auto
    output_sums_to_one: bool
    tolerance: float  # nats from chance that still pass


def measure(problem: Problem, run: Store) -> InitialLoss:
    """Losses of untrained models, one a seed; none are taken of a model that nothing trains."""
    plan, data = problem.recipe.steps.initial_loss, problem.dataset
    point = unpenalized(situation(problem, run).setting.hyperparameters)
    examples = min(plan.examples, len(data.train.labels))
    classifier = untrained(problem, point)
    trainable = sum(math.prod(weight.shape) for weight in classifier.model.trainable_variables)
    measured, regularized = losses(problem, run, point, examples) if trainable else ([], [])
    expected = entropy(data.class_frequencies.tolist())
    declared = problem.recipe.loss.from_logits
    return InitialLoss(
        expected=expected,
        num_classes=data.num_classes,
        balanced=math.log(data.num_classes) - expected < BALANCED,
        measured=tuple(measured),
        regularization=plan.regularization,
        regularized=tuple(regularized),
        examples=examples,
        trainable_weights=trainable,
        from_logits=classifier.from_logits,
        declared_from_logits=None if declared == "auto" else declared,
        output_sums_to_one=gives_probabilities(classifier, data.train.images[:PROBED_IMAGES]),
        tolerance=plan.tolerance,
    )


def losses(problem: Problem, run: Store, point: Hyperparameters, examples: int) -> tuple[list[float], list[float]]:
    """The data loss of each seed, and what the penalty makes of it."""
    plan, first = problem.recipe.steps.initial_loss, problem.recipe.seed
    measured, regularized = [], []
    run.progress.start("untrained models", plan.seeds, "models")
    for seed in range(first, first + plan.seeds):
        run.stop.check()
        loss = initial_losses(problem, point, seed, examples).data_loss
        heavier = initial_losses(problem, penalized(point, plan.regularization), seed, examples)
        measured.append(loss)
        regularized.append(loss + heavier.total_loss - heavier.data_loss)
        run.progress.advance(note=f"loss {loss:.2f}")
    run.progress.end()
    return measured, regularized


def unpenalized(point: Hyperparameters) -> Hyperparameters:
    """The point without anything that adds to the data loss."""
    return dataclasses.replace(point, l1=0.0, l2=0.0, weight_decay=0.0, label_smoothing=0.0, augmentation=())


def penalized(point: Hyperparameters, regularization: float) -> Hyperparameters:
    """The point with an l2 penalty on a head that has weights to weigh."""
    zeros = point.head_initializer == "zeros"
    initializer = ACTIVE_INITIALIZER if zeros else point.head_initializer
    return dataclasses.replace(point, l2=regularization, head_initializer=initializer)


def untrained(problem: Problem, point: Hyperparameters) -> Classifier:
    """The model as training would build it."""
    from tuner.models import build_classifier  # it brings Keras

    data, recipe = problem.dataset, problem.recipe
    return build_classifier(recipe, data.num_classes, data.image_shape, structure_of(point), recipe.seed)


def gives_probabilities(classifier: Classifier, images: np.ndarray) -> bool:
    """Do the outputs on `images`, uint8 (N, H, W, C), add up to one and stay above zero?"""
    import keras

    scores = keras.ops.convert_to_numpy(classifier.model(np.asarray(images, dtype="float32"), training=False))
    sums = scores.sum(axis=-1, dtype="float64")
    return bool((scores >= 0).all() and (np.abs(sums - 1) < SUM_TOLERANCE).all())


def entropy(frequencies: Sequence[float]) -> float:
    """Entropy in nats of class frequencies that add up to one."""
    return -sum(float(p) * math.log(p) for p in frequencies if p > 0)


def judge(evidence: InitialLoss) -> Iterator[Verdict]:
    """Static faults first; then the start itself; then whether a penalty counts."""
    if evidence.trainable_weights == 0:
        yield nothing_trainable()
        return
    mismatch = head_loss_mismatch(evidence)
    if mismatch:
        yield mismatch
        return
    if not all(map(math.isfinite, evidence.measured)):
        yield not_finite(evidence)
        return
    yield start_of(evidence)
    if not rises(evidence):
        yield reg_not_applied(evidence)


def nothing_trainable() -> Verdict:
    """No weight would move."""
    return failed(
        "nothing_trainable",
        "No weight of the model is trainable: training would change nothing. Set transfer.trainable to all, give the "
        "model a head that trains, or take `trainable = False` out of its own code.",
    )


def head_loss_mismatch(evidence: InitialLoss) -> Verdict | None:
    """Probabilities taken for scores, or scores taken for probabilities."""
    scores = evidence.from_logits if evidence.declared_from_logits is None else evidence.declared_from_logits
    if scores and evidence.output_sums_to_one:
        sentence = (
            "The model ends in a softmax, and the loss applies a second one (loss.from_logits: true): its gradients "
            "would be squashed. Set loss.from_logits to false or auto, or end the model without a softmax."
        )
    elif not scores and not evidence.output_sums_to_one:
        sentence = (
            "The model ends in scores that are no probabilities, and the loss takes their logarithm as if they were "
            "(loss.from_logits: false). Set loss.from_logits to true or auto, or end the model in a softmax."
        )
    else:
        return None
    return failed("head_loss_mismatch", sentence, from_logits=scores, output_sums_to_one=evidence.output_sums_to_one)


def not_finite(evidence: InitialLoss) -> Verdict:
    """The loss is not a number before anything was learned."""
    bad = sum(not math.isfinite(loss) for loss in evidence.measured)
    verdict = failed(
        "nan_or_inf",
        f"The untrained loss is NaN or infinite for {bad} of {len(evidence.measured)} seeds: look at the pixels, the "
        "labels and the initial weights, in this order.",
    )
    return dataclasses.replace(verdict, check="Train on ten images only: if the loss is finite, halve the rest.")


def start_of(evidence: InitialLoss) -> Verdict:
    """Where the loss starts, against chance: the entropy of the class frequencies up to ln C."""
    start, ceiling = fmean(evidence.measured), math.log(evidence.num_classes)
    chance = f"ln {evidence.num_classes} = {ceiling:.2f}"
    if not evidence.balanced:
        chance = f"{evidence.expected:.2f} (class frequencies alone) to {chance}"
    said = f"The untrained loss is {start:.2f} nats; chance is {chance}"
    numbers = {"start": start, "expected": evidence.expected, "ceiling": ceiling, "tolerance": evidence.tolerance}
    if start < evidence.expected - evidence.tolerance:
        verdict = failed(
            "init_loss_below_chance",
            f"{said}. Better than chance, untrained: labels leak into the images, or the class count is wrong.",
            **numbers,
        )
        check = "A model trained on these very classes before may start here: --set steps.initial_loss.enabled=false"
        return dataclasses.replace(verdict, check=check)
    if start > ceiling + evidence.tolerance:
        return warned(
            "init_loss_above_chance",
            f"{said}. The untrained head is confident, and wrong: its first epochs would go into unlearning that.",
            Change(
                "model.head_initializer",
                "zeros",
                because=f"the untrained loss was {start:.2f} nats where chance is {ceiling:.2f}",
            ),
            **numbers,
        )
    return passed("initial_loss_at_chance", f"{said}{_rise(evidence)}.", **numbers)


def _rise(evidence: InitialLoss) -> str:
    if not rises(evidence):
        return ""
    after = fmean(evidence.regularized)
    return f", and a penalty of {evidence.regularization:g} on the head raises it to {after:.2f}, as it should"


def rises(evidence: InitialLoss) -> bool:
    """Does the penalty raise every seed's loss?"""
    pairs = zip(evidence.measured, evidence.regularized, strict=True)
    return all(after - before > LEAST_RISE for before, after in pairs)


def reg_not_applied(evidence: InitialLoss) -> Verdict:
    """The penalty changes nothing, or less than nothing."""
    return warned(
        "reg_not_applied",
        f"An l2 penalty of {evidence.regularization:g} does not raise the loss ({fmean(evidence.measured):.3f} without "
        f"it, {fmean(evidence.regularized):.3f} with it): regularization.l1 and l2 have no effect on this model. "
        "optimizer.weight_decay is not meant here: it acts on the weights, never in the loss.",
    )


STEP = Step(
    "initial_loss",
    "Check the initial loss",
    "Does an untrained model know nothing?",
    measure,
    judge,
)
