"""What does a spec ask for, in terms of the run and the data? Its ancestors, its splits, its control images."""

from collections.abc import Sequence

import numpy as np

from tuner.data import Problem, Split
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training.batches import balanced_weights
from tuner.training.schedules import SCHEDULES

ROWS_AT_ONCE = 256  # images read at once for the mean image


def check(spec: TrialSpec, before: Sequence[TrialSpec] = ()) -> None:
    """Raises `ValueError` for a spec that contradicts itself, or the specs `before` that it starts from."""
    if any(each.fold != spec.fold for each in before):
        raise ValueError(
            f"a trial on fold {spec.fold} starts from trials on that fold: others saw what it validates on"
        )
    if spec.ramp is not None and (spec.max_steps is None or min(spec.ramp) <= 0):
        raise ValueError(f"a range test needs max_steps and rates above 0, not {spec.max_steps} and {spec.ramp}")
    if spec.patience is not None and not spec.validate:
        raise ValueError("patience waits for a better val_loss, so it needs validate=True")
    if spec.continued and spec.parent is None:
        raise ValueError("a continued trial needs a parent")
    if spec.epochs < 1 and spec.max_steps is None:
        raise ValueError(f"a trial takes at least one epoch, not {spec.epochs}")
    if spec.horizon is not None and spec.horizon < spec.epochs:
        raise ValueError(f"a schedule over {spec.horizon} epochs ends before the trial's {spec.epochs}")
    if spec.hyperparameters.schedule not in SCHEDULES:
        raise ValueError(f"no schedule {spec.hyperparameters.schedule}; there are {', '.join(SCHEDULES)}")


def ancestors(run: Store, spec: TrialSpec) -> list[TrialSpec]:
    """The specs of the trials that this one starts from: its parent, the parent's parent, and so on."""
    found = []
    while spec.parent is not None:
        spec = trial_of(run, spec.parent).spec
        found.append(spec)
    return found


def losses_before(run: Store, spec: TrialSpec) -> tuple[float, ...]:
    """The loss after each epoch of the trials that this one continues, oldest first: what a plateau is seen in."""
    found: tuple[float, ...] = ()
    while spec.continued and spec.parent is not None:
        parent = trial_of(run, spec.parent)
        found = (parent.curves.val_loss or parent.curves.loss) + found
        spec = parent.spec
    return found


def trial_of(run: Store, number: int) -> Trial:
    """The recorded trial of that number. Raises `ValueError` if there is none."""
    if not 1 <= number <= len(run.trials):
        raise ValueError(f"no trial {number} was recorded; there are {len(run.trials)}")
    return run.trials[number - 1]


def first_seed(run: Store, spec: TrialSpec) -> int:
    """The seed from which the first weights came: that of the oldest ancestor."""
    return [spec, *ancestors(run, spec)][-1].seed


def split_of(problem: Problem, name: str) -> Split:
    """The split `train` or `validation`."""
    return problem.dataset.train if name == "train" else problem.dataset.validation


def class_weights_of(problem: Problem) -> np.ndarray | None:
    """The weight of each class (C,) in the loss, float32, as the recipe asks; None if all weigh the same."""
    balanced = problem.recipe.data.class_weight == "balanced"
    return balanced_weights(problem.dataset.class_frequencies) if balanced else None


def mean_image(images: np.ndarray) -> np.ndarray:
    """The mean of uint8 images (N, H, W, C), rounded: uint8 (H, W, C)."""
    total = np.zeros(images.shape[1:], np.float64)
    for begin in range(0, len(images), ROWS_AT_ONCE):
        total += images[begin : begin + ROWS_AT_ONCE].sum(axis=0, dtype=np.float64)
    return np.rint(total / len(images)).astype(np.uint8)
