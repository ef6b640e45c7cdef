"""Which remedy deserves the longer run? The top two of a verdict, against each other and against the run as it was.

All sides begin where the run stopped, with the same seed and the same order of batches, and take the first few epochs
of the longer run that they stand for. A remedy is taken if it is better than no remedy beyond the noise of the
validation images: in accuracy, or, where accuracies cannot be told apart, in the loss. The winner goes on from where it
stands, so that a duel repeats nothing.

Source: the lecture's steps 5 and 6; the noise of a mean loss is that of n losses whose spread is
their mean.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.hyperparameters import PATHS, Hyperparameters, frozen, thawed
from tuner.inspection import Duel, Side
from tuner.records import Change, Finding, Trial, TrialSpec, TrialState
from tuner.search.full_batch import has_effect
from tuner.search.noise import standard_error

REMEDIES = 2  # of a verdict, in its own order
SHARE = 3  # a duel takes at most one part in so many of the longer run: its three sides cost no more than one more run
LOSS_SPREAD = 1.0  # standard deviation of an example's loss, as a share of the mean loss (exponential)
ACCURACY, LOSS = "val_accuracy", "val_loss"

SEARCHED = frozenset(
    {
        *("transfer.trainable", "optimizer.learning_rate"),
        *("schedule.name", "schedule.warmup_epochs"),
    }
)
"""Remedies that step 7 decides on, or the schedule of the longer run: they need a new search, not a longer run."""

REBUILT = frozenset({"model.head_units", "model.head_initializer", "model.auxiliary_head"})
"""Remedies that need other weights than the run has."""


@dataclass(frozen=True)
class Remedies:
    """What one reading proposes: the first verdict with anything to try here, and the first two things."""

    verdict: str = ""
    changes: tuple[Change, ...] = ()
    seen_in: int | None = None  # the round in whose longer run it was seen; None: in the run that the duel begins with


def lost_before(findings: Iterable[Finding], stage: str) -> frozenset[tuple[str, Any]]:
    """Path and value of every remedy that lost a duel of step 6 in a transfer stage: others get their turn."""
    changes = [finding for finding in findings if finding.step == "change" and finding.stage == stage]
    duels = [duel for finding in changes for duel in finding.evidence.get("duels", ())]
    return frozenset(
        (change["path"], frozen(change["value"]))
        for duel in duels
        for place, side in enumerate(duel["sides"])
        if place != duel["taken"]
        for change in side["changes"]
    )


def remedies(
    reading: Mapping[str, Any], point: Hyperparameters, lost: frozenset[tuple[str, Any]] = frozenset()
) -> Remedies:
    """The remedies of a reading of step 5, in JSON form, that change `point` and can be tried by training on.

    Each is one change by itself. What is in `lost`, as path and value, was tried and is not tried again.
    """
    for verdict in reading["verdicts"]:
        found: dict[str, Change] = {}
        for change in (Change(**given) for given in verdict["changes"]):
            if change.path not in PATHS or change.path in SEARCHED | REBUILT or change.path in found:
                continue
            if (change.path, frozen(change.value)) in lost:
                continue
            before = point.get(change.path)
            if frozen(before) != frozen(change.value) and has_effect(point, change.path, change.value):
                found[change.path] = dataclasses.replace(change, before=thawed(before))
        if found:
            return Remedies(verdict["name"], tuple(found.values())[:REMEDIES])
    return Remedies()


def length(epochs: int, asked: int) -> int:
    """Epochs of a duel before a longer run of `epochs`, where the recipe asks for so many; 0: there is none."""
    return min(asked, max(1, epochs // SHARE)) if asked and epochs > 1 else 0


def first_epochs(spec: TrialSpec, epochs: int, before: int) -> TrialSpec:
    """The first `epochs` of a longer run, under its schedule.

    Args:
        spec: the longer run.
        epochs: at most those of `spec`.
        before: epochs of the trials that `spec` continues.
    """
    horizon = before + spec.epochs if spec.continued else spec.epochs
    return dataclasses.replace(spec, epochs=epochs, horizon=horizon, patience=None)


def goes_on(spec: TrialSpec, side: Trial) -> TrialSpec:
    """The rest of the longer run whose first epochs `side` was."""
    rest = spec.epochs - side.spec.epochs
    return dataclasses.replace(spec, epochs=rest, horizon=side.spec.horizon, parent=side.number, continued=True)


def settled(parent: Trial, remedies: Remedies, sides: Sequence[Trial], examples: int) -> Duel:
    """Who won. `sides` in the order asked for: as it was, then with each remedy; `examples` are of validation."""
    plain = sides[0]
    noise = {ACCURACY: standard_error(plain.val_accuracy, examples), LOSS: loss_noise(plain.val_loss, examples)}
    metric, taken = _winner(sides, noise)
    shown = tuple(
        Side(
            changes=changes,
            before=_figure(parent, metric),
            after=_figure(trial, metric),
            epochs=trial.curves.epochs,
            seconds=trial.seconds,
            diverged=_diverged(trial),
        )
        for trial, changes in zip(sides, ((), *((change,) for change in remedies.changes)), strict=True)
    )
    sentence = _sentence(parent, remedies, shown, metric, noise[metric], taken)
    return Duel(remedies.verdict, metric, shown, taken, sentence, noise[metric])


def loss_noise(loss: float, examples: int) -> float:
    """Standard error of a mean loss over `examples`, in its unit; NaN where there is no loss."""
    return LOSS_SPREAD * loss / math.sqrt(examples) if examples > 0 else math.nan


def _winner(sides: Sequence[Trial], noise: Mapping[str, float]) -> tuple[str, int | None]:
    """The metric that decides, and the side that is taken; None where no remedy is better beyond the noise."""
    plain = sides[0]
    sound = [index for index in range(1, len(sides)) if not _diverged(sides[index])]
    if _diverged(plain):
        return LOSS, min(sound, key=lambda index: sides[index].val_loss, default=None)
    gained = {index: sides[index].val_accuracy - plain.val_accuracy for index in sound}
    best = max(gained, key=lambda index: (gained[index], -sides[index].val_loss), default=None)
    if best is not None and gained[best] > noise[ACCURACY]:
        return ACCURACY, best
    level = [index for index in sound if gained[index] >= -noise[ACCURACY]]
    lowest = min(level, key=lambda index: sides[index].val_loss, default=None)
    lower = lowest is not None and plain.val_loss - sides[lowest].val_loss > noise[LOSS]
    return LOSS, lowest if lower else None


def _sentence(
    parent: Trial, remedies: Remedies, sides: Sequence[Side], metric: str, noise: float, taken: int | None
) -> str:
    figures = ", ".join(
        f"{_named(side)} {'diverges' if side.diverged else format(side.after, '.3f')}" for side in sides
    )
    word = "validation accuracy" if metric == ACCURACY else "validation loss"
    epochs = max(side.epochs for side in sides)
    unchanged = "none is better beyond that, so it goes on as it was"
    end = unchanged if taken is None else f"{_named(sides[taken])} is taken"
    whose = f"trial {parent.number}" if remedies.seen_in is None else f"the longer run of round {remedies.seen_in}"
    about = f" (noise ± {noise:.3f})" if math.isfinite(noise) else ""
    return (
        f"Against {remedies.verdict} of {whose}, {epochs} epoch{'s' * (epochs != 1)} each: "
        f"{word} {figures}{about}; {end}."
    )


def _named(side: Side) -> str:
    return f"with {side.changes[0].path} = {side.changes[0].value}" if side.changes else "as it was"


def _figure(trial: Trial, metric: str) -> float:
    return trial.val_accuracy if metric == ACCURACY else trial.val_loss


def _diverged(trial: Trial) -> bool:
    return trial.state is TrialState.DIVERGED or not math.isfinite(trial.val_loss)
