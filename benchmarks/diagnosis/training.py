"""How is a run trained in a fraction of a second? Keras' own model, loss and optimizer, an epoch in one compiled loop.

The loop does what `fit(..., drop_remainder)` does: shuffled batches, loss with penalties, the mean over the batches of
an epoch, then validation in inference mode. One compiled epoch serves all seeds and rates of a structure.
Needs KERAS_BACKEND=jax.

Source: Keras 3's guide "Writing a custom training loop in JAX" (stateless_call, stateless_apply).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from sklearn.metrics import balanced_accuracy_score

from benchmarks.diagnosis.keep import Outcome
from benchmarks.diagnosis.networks import build, head, loss_targets
from benchmarks.diagnosis.setups import Data, Setup, prepared, rates
from benchmarks.diagnosis.tasks import Task

Weights = list[Any]
Epoch = Callable[..., Any]
RATE = 1  # index of the learning rate among an optimizer's variables; 0 is the count of steps
FLOOR = -1.0  # an R² below it is as useless as it: one diverged run must not carry a mean away


@dataclass(frozen=True)
class Trained:
    """A model as a run left it, and what it was given."""

    model: keras.Model
    initial: tuple[np.ndarray, ...]
    x: np.ndarray
    y: np.ndarray
    val_x: np.ndarray
    val_y: np.ndarray


def structure(setup: Setup) -> Setup:
    """The setup without what does not change the compiled epoch: two with equal structures share it."""
    return replace(
        setup, learning_rate=1e-3, schedule="none", epochs=1, initializer="zeros", init_std=None, bias=0.0, seed=0,
        inputs="", targets="", label_noise=0.0, unit=1.0, patience=None,
    )  # fmt: skip


class Trainer:
    """Trains the setups of one task, and keeps the compiled epochs."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.epochs: dict[tuple[Setup, int], tuple[Epoch, Epoch]] = {}

    def train(self, setup: Setup, keep: bool = False) -> tuple[Outcome, Trained | None]:
        """Train one setup; with `keep` the model comes along."""
        data = prepared(self.task, setup)
        model = build(self.task, setup)
        model.optimizer.build(model.trainable_variables)
        initial = tuple(model.get_weights())
        key = (structure(setup), len(data.train[0]))
        if key not in self.epochs:
            self.epochs[key] = _compiled(self.task, setup, model)
        state = tuple([v.value for v in vs] for vs in _variables(model))
        curves, outputs, state = _run(self.epochs[key], self.task, setup, data, state)
        for variables, values in zip(_variables(model), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        quality = [quality_of(self.task, setup, data.val_truth, output) for output in outputs[0]]
        test = quality_of(self.task, setup, data.test[1], outputs[1])
        if setup.patience is not None:
            curves, quality = _restored(curves, quality, setup.patience)
        counts = tuple(np.bincount(data.train[1], minlength=self.task.classes).tolist()) if self.task.classes else ()
        outcome = Outcome(curves, quality, test, (len(data.train[0]), len(data.val[0])), counts)
        if not keep:
            return outcome, None
        targets = (loss_targets(self.task, setup, part[1]) for part in (data.train, data.val))
        y, val_y = targets
        return outcome, Trained(model, initial, data.train[0], y, data.val[0], val_y)


def _restored(
    curves: dict[str, list[float]], quality: list[float], patience: int
) -> tuple[dict[str, list[float]], list[float]]:
    """A run ended by keras.callbacks.EarlyStopping: the best epoch until then stands for its end, `patience` times."""
    losses, best = curves["val_loss"], 0
    for epoch, loss in enumerate(losses):
        best = epoch if loss < losses[best] else best
        if epoch - best >= patience:
            break

    def cut(values: list[float]) -> list[float]:
        return values[: best + 1] + [values[best]] * patience

    return {name: cut(values) for name, values in curves.items()}, cut(quality)


def _variables(model: keras.Model) -> tuple[list[Any], list[Any], list[Any]]:
    return model.trainable_variables, model.non_trainable_variables, model.optimizer.variables


def quality_of(task: Task, setup: Setup, truth: np.ndarray, output: np.ndarray) -> float:
    """Balanced accuracy, or R² (not below -1): what a person would want of the model, whatever the loss was."""
    if not np.isfinite(output).all():
        return FLOOR if task.classes == 0 else 1 / task.classes
    if task.classes == 0:
        error = ((output.reshape(len(truth), -1)[:, 0] - truth) ** 2).mean()
        return float(max(FLOOR, 1 - error / truth.var()))
    answer = output.argmax(1) if output.shape[1] > 1 else output[:, 0] > (0.0 if setup.from_logits else 0.5)
    return float(balanced_accuracy_score(truth, answer))


def _compiled(task: Task, setup: Setup, model: keras.Model) -> tuple[Epoch, Epoch]:
    """Two compiled functions: one epoch of training, and an evaluation."""
    numbers = task.classes > 0 and head(task, setup)[2] != "mean_squared_error_of_numbers"
    loss_function, optimizer = keras.losses.get(model.loss), model.optimizer

    def accuracy(y: Any, output: Any) -> Any:
        if not numbers:
            return jnp.nan
        if output.shape[1] == 1:
            return ((output > 0.5) == (y > 0.5)).mean()
        truth = y.argmax(1) if y.ndim == 2 else y
        return (output.argmax(1) == truth).mean()

    def loss(trainable: Weights, others: Weights, x: Any, y: Any, training: bool) -> Any:
        output, others, penalties = model.stateless_call(trainable, others, x, training=training, return_losses=True)
        value = jnp.mean(loss_function(y, output)) + sum(penalties)
        return value, (accuracy(y, output), others, output)

    slope = jax.value_and_grad(loss, has_aux=True)

    def step(state: Any, batch: Any) -> Any:
        (trainable, others, slots), (x, y, rate) = state, batch
        (value, (right, others, _)), gradient = slope(trainable, others, x, y, True)
        if trainable:
            slots = [*slots[:RATE], rate, *slots[RATE + 1 :]]
            trainable, slots = optimizer.stateless_apply(slots, gradient, trainable)
        return (trainable, others, slots), (value, right)

    def epoch(state: Any, x: Any, y: Any, order: Any, rate: Any) -> Any:
        def body(state: Any, indices: Any) -> Any:
            return step(state, (x[indices], y[indices], rate))

        state, (losses, right) = jax.lax.scan(body, state, order)
        return state, losses.mean(), right.mean()

    def evaluate(state: Any, x: Any, y: Any) -> Any:
        value, (right, _, output) = loss(state[0], state[1], x, y, False)
        return value, right, output

    return jax.jit(epoch), jax.jit(evaluate)


def _run(
    functions: tuple[Epoch, Epoch], task: Task, setup: Setup, data: Data, state: Any
) -> tuple[dict[str, list[float]], tuple[list[np.ndarray], np.ndarray], Any]:
    """All epochs: the curves, the outputs (of validation after each epoch, of the test at the end), the last state."""
    epoch, evaluate = functions
    (x, y), (val_x, val_y), (test_x, test_y) = (
        (jnp.asarray(part[0]), jnp.asarray(loss_targets(task, setup, part[1])))
        for part in (data.train, data.val, data.test)
    )
    rng, steps = np.random.default_rng(setup.seed), max(1, len(x) // setup.batch_size)
    size = min(setup.batch_size, len(x))
    rows, outputs = [], []
    for rate in rates(setup):
        order = rng.permutation(len(x))[: steps * size].reshape(steps, size)
        state, loss, right = epoch(state, x, y, jnp.asarray(order), jnp.float32(rate))
        val_loss, val_right, output = evaluate(state, val_x, val_y)
        outputs.append(np.asarray(output))
        rows.append((loss * setup.unit, right, val_loss * setup.unit, val_right, rate))
    names = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    curves = {name: [float(v) for v in column] for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    if not task.classes:
        del curves["accuracy"], curves["val_accuracy"]
    return curves, (outputs, np.asarray(evaluate(state, test_x, test_y)[2])), state
