"""Step 2: overfit a few examples.

A model that cannot learn five mini-batches by heart will not learn the rest. Everything that hinders is off:
augmentation, dropout, decay, penalties, smoothing. When the setting's own rate fails, other rates and then other
optimizers are tried before the model is blamed. A control run on blank images tells memory from guessing: whoever
does as well without seeing anything ignores the input.

Source: the lecture's step 2; CS231n, neural-networks-3 ("overfit a tiny subset"); Full Stack Deep Learning, lecture
on troubleshooting (what each shape of failure means); TheDeepChecker, arXiv 2204.00694 (the blank control).
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.records import Change, Step, Trial, TrialSpec, Verdict, failed, passed, warned
from tuner.search.rate_sweep import rounded
from tuner.search.usual_rates import has_rate
from tuner.setting import difference
from tuner.steps.situation import situation
from tuner.steps.tiny_fit import bare, faster, other_optimizers, other_rates, shape_of, usual
from tuner.store import Store
from tuner.training import fit_many

BLANK_EPOCHS = 20  # at most; a constant image teaches no more than the class frequencies, soon
NOISE = 2.0  # standard errors of an accuracy over the sample within which two accuracies are equal

CAUSES = {
    "flat": "the loss does not move: no gradient reaches the weights, or the first weights are bad (dead units)",
    "nan": "the loss leaves the finite numbers at every rate: look at the pixels, the labels and the first weights",
    "oscillating": "the loss swings without falling: labels that contradict each other, or a rate still too high",
    "stuck": "the loss stops falling too early: too few weights for the sample, or equal images with unequal labels",
    "rising": "the loss goes up: the sign of the loss or the meaning of the labels is wrong",
}
WHY_RATE = {
    "nan": "too high: the loss left the finite numbers",
    "oscillating": "too high: the loss swings",
    "rising": "too high: the loss goes up",
    "flat": "too low: the loss does not move",
}


@dataclass(frozen=True)
class Attempt:
    """One try at learning the sample by heart; curves have one entry an epoch."""

    optimizer: str
    learning_rate: float
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    state: str  # completed | diverged
    reason: str
    shape: str  # fits | flat | nan | oscillating | stuck | rising
    changes: tuple[Change, ...] = ()  # from the setting's own optimizer and rate to this attempt's

    @property
    def best_accuracy(self) -> float:
        """The highest training accuracy of any epoch; NaN if there is none."""
        return max(self.accuracy, default=math.nan)


@dataclass(frozen=True)
class SmallSample:
    """The attempts in order, and the control."""

    examples: int
    batches: int
    target_accuracy: float
    majority: float  # share of the most frequent class: what guessing gives
    attempts: tuple[Attempt, ...]
    blank: Attempt | None  # the same on blank images; None when nothing was left to compare with
    chosen: int | None  # index of the attempt that worked


def measure(problem: Problem, run: Store) -> SmallSample:
    """Try the setting's own rate; then others; then other optimizers; then the blank control."""
    now = situation(problem, run)
    plan, start = problem.recipe.steps.overfit_small_sample, bare(now.setting.hyperparameters)
    examples = min(plan.batches * start.batch_size, len(problem.dataset.train.labels))
    base = TrialSpec(
        start,
        epochs=plan.max_epochs,
        seed=problem.recipe.seed,
        step="overfit_small_sample",
        stage=now.stage.name,
        examples=examples,
        stop_at_accuracy=plan.target_accuracy,
        validate=False,
    )
    tried = [start]
    attempts = _train(problem, run, base, tried)
    for further in (_usual_rate, _other_rates, _other_optimizers):
        if fitting(attempts) is not None:
            break
        new = [point for point in further(tried, attempts) if point not in tried]
        tried += new
        attempts += _train(problem, run, base, new)
    chosen = fitting(attempts)
    return SmallSample(
        examples=examples,
        batches=math.ceil(examples / start.batch_size),
        target_accuracy=plan.target_accuracy,
        majority=float(max(problem.dataset.class_frequencies)),
        attempts=tuple(attempts),
        blank=_control(problem, run, base, tried, attempts, chosen),
        chosen=chosen,
    )


def _usual_rate(tried: Sequence[Hyperparameters], attempts: Sequence[Attempt]) -> list[Hyperparameters]:
    return [usual(tried[0])]  # alone: it is the likeliest, and a network may take minutes


def _other_rates(tried: Sequence[Hyperparameters], attempts: Sequence[Attempt]) -> list[Hyperparameters]:
    return other_rates(tried[0], attempts[0].shape)


def _other_optimizers(tried: Sequence[Hyperparameters], attempts: Sequence[Attempt]) -> list[Hyperparameters]:
    best = best_attempt(attempts)
    nearer = [] if best is None else faster(tried[best], attempts[best].shape)
    return [*nearer, *other_optimizers(tried[0])]


def fitting(attempts: Sequence[Attempt]) -> int | None:
    """Index of the first attempt if it fits, else of the fastest with its optimizer, else of the fastest; else None."""
    fits = [index for index, attempt in enumerate(attempts) if attempt.shape == "fits"]

    def order(index: int) -> tuple[bool, bool, int]:
        attempt = attempts[index]
        return index > 0, attempt.optimizer != attempts[0].optimizer, len(attempt.loss)

    return min(fits, key=order, default=None)


def _train(problem: Problem, run: Store, base: TrialSpec, points: Sequence[Hyperparameters]) -> list[Attempt]:
    specs = [dataclasses.replace(base, hyperparameters=point) for point in points]
    trials = fit_many(problem, run, specs)
    return [attempt_of(trial, base) for trial in trials]


def attempt_of(trial: Trial, base: TrialSpec) -> Attempt:
    """What a trial showed, beside the first one's setting."""
    point, curves = trial.hyperparameters, trial.curves
    goal = base.stop_at_accuracy if base.stop_at_accuracy is not None else 1.0
    return Attempt(
        optimizer=point.optimizer,
        learning_rate=point.learning_rate,
        loss=curves.loss,
        accuracy=curves.accuracy,
        state=trial.state.value,
        reason=trial.reason,
        shape=shape_of(curves.loss, curves.accuracy, goal, diverged=trial.state.value == "diverged"),
        changes=difference(base.hyperparameters, point, "only this learns a small sample by heart"),
    )


def _control(
    problem: Problem,
    run: Store,
    base: TrialSpec,
    points: Sequence[Hyperparameters],
    attempts: Sequence[Attempt],
    chosen: int | None,
) -> Attempt | None:
    index = best_attempt(attempts) if chosen is None else chosen
    if index is None:
        return None
    epochs = min(BLANK_EPOCHS, len(attempts[index].loss))
    blank = dataclasses.replace(base, hyperparameters=points[index], epochs=epochs, blank_images=True)
    return attempt_of(fit_many(problem, run, [blank])[0], base)


def best_attempt(attempts: Sequence[Attempt]) -> int | None:
    """Index of the attempt with the highest accuracy among those that stayed finite; None if none did."""
    sound = [index for index, attempt in enumerate(attempts) if attempt.shape != "nan" and attempt.accuracy]
    return max(sound, key=lambda index: attempts[index].best_accuracy, default=None)


def judge(evidence: SmallSample) -> Iterator[Verdict]:
    """The control first: a fit that needs no images is none."""
    if ignores_input(evidence):
        yield blind(evidence)
    elif evidence.chosen is None:
        yield cannot_overfit(evidence)
    elif evidence.chosen == 0:
        yield fits(evidence)
    else:
        yield rate_changed(evidence)


def ignores_input(evidence: SmallSample) -> bool:
    """Does the best real attempt do no better than the blank one, within noise?"""
    index = best_attempt(evidence.attempts) if evidence.chosen is None else evidence.chosen
    if index is None or evidence.blank is None:
        return False
    guessing = max(evidence.majority, evidence.blank.best_accuracy)
    if not math.isfinite(guessing):
        return False
    error = math.sqrt(max(guessing * (1 - guessing), 0.0) / evidence.examples)
    return evidence.attempts[index].best_accuracy <= guessing + NOISE * error


def blind(evidence: SmallSample) -> Verdict:
    """Real and blank images are the same to the model."""
    assert evidence.blank is not None
    index = best_attempt(evidence.attempts) if evidence.chosen is None else evidence.chosen
    real = evidence.attempts[index or 0].best_accuracy
    verdict = failed(
        "ignores_input",
        f"Training accuracy is {real:.2f} on {evidence.examples} images, {evidence.blank.best_accuracy:.2f} when every "
        f"image is blank, and guessing gives {evidence.majority:.2f}: what the images show never reaches the output.",
        real=real,
        blank=evidence.blank.best_accuracy,
        majority=evidence.majority,
    )
    return dataclasses.replace(
        verdict,
        check="Look at the images as the model gets them (constant, black, wrongly scaled?), then for dead units.",
    )


def fits(evidence: SmallSample) -> Verdict:
    """The setting's own rate learns the sample."""
    attempt = evidence.attempts[0]
    epochs, loss = len(attempt.loss), attempt.loss[-1]
    return passed(
        "overfits_small_sample",
        f"{evidence.examples} images are learned by heart in {epochs} epoch{'s' * (epochs != 1)}: training accuracy "
        f"{attempt.accuracy[-1]:.2f}, loss {loss:.3f}{_control_said(evidence)}.",
        epochs=epochs,
        accuracy=attempt.accuracy[-1],
        loss=loss,
    )


def _control_said(evidence: SmallSample) -> str:
    return f" (blank images: {evidence.blank.best_accuracy:.2f})" if evidence.blank else ""


def rate_changed(evidence: SmallSample) -> Verdict:
    """Only another rate, or another optimizer, learns the sample."""
    first, chosen = evidence.attempts[0], evidence.attempts[evidence.chosen or 0]
    wrong = WHY_RATE.get(first.shape, "wrong: the loss stops falling too early")
    if first.shape == "stuck" and chosen.optimizer == first.optimizer:
        low = chosen.learning_rate > first.learning_rate
        wrong = "too low: the loss falls too slowly" if low else "too high: the loss stops falling too early"
    epochs = len(chosen.loss)
    because = (
        f"{_named(first)} is {wrong}; {_named(chosen)} learns {evidence.examples} images by heart in "
        f"{epochs} epoch{'s' * (epochs != 1)}"
    )
    changes = [dataclasses.replace(change, because=because) for change in chosen.changes]
    return warned("rate_changed", f"{because[0].upper()}{because[1:]}.", *changes, shape=first.shape, epochs=epochs)


def _named(attempt: Attempt) -> str:
    if not has_rate(attempt.optimizer):
        return attempt.optimizer
    return f"{attempt.optimizer} at {rounded(attempt.learning_rate):g}"


def cannot_overfit(evidence: SmallSample) -> Verdict:
    """Nothing that was tried learns the sample; the best attempt's shape says why."""
    index = best_attempt(evidence.attempts)
    attempt = evidence.attempts[index or 0]
    tries = ", ".join(_named(a) for a in evidence.attempts)
    verdict = failed(
        "cannot_overfit_tiny",
        f"{evidence.examples} images cannot be learned by heart: training accuracy reaches {attempt.best_accuracy:.2f} "
        f"of {evidence.target_accuracy:.2f} in {len(attempt.loss)} epochs. At best, {CAUSES[attempt.shape]}. "
        f"Tried: {tries}.",
        shape=attempt.shape,
        accuracy=attempt.best_accuracy,
    )
    return dataclasses.replace(
        verdict, check="Train on two images of two classes; if even these fail, it is the model."
    )


STEP = Step(
    "overfit_small_sample",
    "Overfit a few examples",
    "Can the model learn a handful of images by heart?",
    measure,
    judge,
)
