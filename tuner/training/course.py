"""What is one trial, ready to run? On which examples, for how many steps, at which rates. No Keras."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from tuner.data import Problem
from tuner.records import TrialSpec
from tuner.training.asked import class_weights_of
from tuner.training.batches import Examples, stratified
from tuner.training.curves import Log
from tuner.training.schedules import FIELDS, PLATEAU, factor_at, ramp_rate


@dataclass(frozen=True)
class Course:
    """One trial, ready to run: what is asked, on which examples, from which epoch on."""

    spec: TrialSpec
    train: Examples
    validation: Examples | None
    class_weights: np.ndarray | None  # (C,) float32
    shuffle: bool
    epochs_before: int  # of the trials that this one continues
    keep: tuple[str, ...]  # parts whose weights go into the file
    losses_before: tuple[float, ...] = ()  # of those epochs, for the schedule that looks at them

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch; the last one may be filled up."""
        return -(-len(self.train) // self.spec.hyperparameters.batch_size)

    @property
    def steps(self) -> int:
        """Batches of this trial if nothing ends it early."""
        return self.spec.max_steps or self.spec.epochs * self.steps_per_epoch

    @property
    def epochs(self) -> int:
        """Epochs of this trial, the last of which `max_steps` may cut short."""
        return -(-self.steps // self.steps_per_epoch)

    @property
    def horizon(self) -> int:
        """Batches over which the schedule runs, counted from the first of the trials that this one continues.

        A trial that stops before them, and is continued, has the rates of the one that never stopped.
        """
        if self.spec.horizon is not None:
            return self.spec.horizon * self.steps_per_epoch
        return self.epochs_before * self.steps_per_epoch + self.steps

    def rate_at(self, step: int, log: Log) -> float:
        """The learning rate of batch `step` of this trial, from 0, after the epochs in `log`."""
        return self.peak * self.factor_at(step, log)

    @property
    def peak(self) -> float:
        """What factors multiply: the learning rate; 1 in a range test, whose rates are what they are."""
        return self.spec.hyperparameters.learning_rate if self.spec.ramp is None else 1.0

    def factor_at(self, step: int, log: Log) -> float:
        """What the peak is multiplied by at batch `step`."""
        if self.spec.ramp is not None:
            return ramp_rate(*self.spec.ramp, step, self.steps)
        before = self.epochs_before * self.steps_per_epoch
        point, losses = self.spec.hyperparameters, self._losses(log)
        return factor_at(point, before + step, self.horizon, self.steps_per_epoch, losses)

    def shape(self, log: Log) -> Hashable:
        """What the factors follow from besides the step: courses of one shape differ in their peak alone."""
        point = self.spec.hyperparameters
        numbers = tuple(getattr(point, field) for field in FIELDS)
        where = (self.spec.ramp, self.steps, self.horizon, self.epochs_before, self.steps_per_epoch)
        return (*where, *numbers, self._losses(log))

    def _losses(self, log: Log) -> tuple[float, ...]:
        """Those that a schedule looks at, if it does."""
        if self.spec.hyperparameters.schedule != PLATEAU:
            return ()
        return (*self.losses_before, *(log.val_loss or log.loss))


def course_of(
    problem: Problem,
    spec: TrialSpec,
    inputs: np.ndarray,
    validation: np.ndarray | None,
    epochs_before: int,
    keep: tuple[str, ...],
    losses_before: tuple[float, ...] = (),
) -> Course:
    """The course of `spec` on what its model sees of the training and validation images (None: not validated)."""
    data = problem.dataset
    labels = data.train.labels
    rows = np.arange(len(labels)) if spec.examples is None else stratified(labels, spec.examples, spec.seed)
    return Course(
        spec,
        Examples(inputs, labels, rows),
        None if validation is None else Examples.all_of(validation, data.validation.labels),
        class_weights_of(problem),
        problem.recipe.data.shuffle,
        epochs_before,
        keep,
        losses_before,
    )
