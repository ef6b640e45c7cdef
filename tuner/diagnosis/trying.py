"""Does the remedy help? The best two are run against each other and against the run as it was, for a few epochs.

All start from the same weights, with the same seed and order of the data. A remedy is taken where it is better than the
run as it was by more than the noise of the examples that they are compared on.

Source: Humbatova et al. 2025 (several fixes are often right, so that a remedy is judged by its outcome).
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tuner.diagnosis import surgery
from tuner.diagnosis.background import layers_of
from tuner.diagnosis.copies import may_restart
from tuner.diagnosis.examples import Array
from tuner.diagnosis.places import place_of
from tuner.diagnosis.remedies import EPOCHS, applied, remedies_of
from tuner.diagnosis.scoring import Yardstick, scores, yardstick
from tuner.diagnosis.setups import CannotApply, Setup, setup_of
from tuner.diagnosis.training import Training
from tuner.inspection import Duel, Side
from tuner.records import Change, Outcome, Verdict

MOST_REMEDIES = 2
SECONDS = 30.0  # of one side
CLEAR = 2.0  # standard errors that a gain has to exceed
SEED = 0
LATE = ("overfit", "gap", "plateau", "undertrained", "oscillating", "loss_spikes")  # seen late: go on from the end

Start = Mapping[str, list[Array]]  # name of a layer -> its weights


@dataclass(frozen=True)
class _Run:
    """How one side went."""

    before: Array  # the figure in each part of the examples
    after: Array
    epochs: int
    seconds: float
    failure: str = ""


def duels(training: Training, verdicts: Sequence[Verdict]) -> tuple[tuple[Duel, ...], tuple[str, ...]]:
    """The duel of the first verdict that has a remedy which can be tried, and notes on what could not be."""
    alarms = [verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS and verdict.changes]
    if not alarms:
        return (), ("nothing to try: no verdict asks for a change",)
    try:
        setup = setup_of(training)
    except CannotApply as error:
        return (), (f"remedies were not tried: {error}",)
    notes: list[str] = []
    for verdict in alarms:
        chosen: list[tuple[tuple[Change, ...], Setup]] = []
        for changes in remedies_of(verdict):
            try:
                chosen.append((changes, applied(setup, changes)))
            except CannotApply as error:
                notes.append(f"not tried: {error}")
            if len(chosen) == MOST_REMEDIES:
                break
        if chosen:
            return (_fought(training, verdict, setup, chosen, notes),), tuple(notes)
    return (), tuple(notes)


def _fought(
    training: Training,
    verdict: Verdict,
    setup: Setup,
    chosen: Sequence[tuple[tuple[Change, ...], Setup]],
    notes: list[str],
) -> Duel:
    start = _start(training, late=verdict.name in LATE)
    by = yardstick([setup, *(changed for _, changed in chosen)])
    truth = setup.val_y if by.validated else setup.y
    assert truth is not None
    first = _run(setup, start, by, truth, EPOCHS)
    runs = [first, *(_run(changed, start, by, truth, first.epochs or EPOCHS) for _, changed in chosen)]
    for (changes, _), run in zip(chosen, runs[1:], strict=True):
        if run.failure:
            notes.append(f"{_words(changes)} was tried and failed: {run.failure}")
    sides = tuple(_side(c, run) for c, run in zip([(), *(changes for changes, _ in chosen)], runs, strict=True))
    taken, noise = _taken(by, runs)
    return Duel(verdict.name, by.name, sides, taken, _sentence(by, sides, taken), noise)


def _start(training: Training, late: bool) -> Start:
    """The weights that all sides begin with; empty: newly drawn ones."""
    model = training.model
    values: dict[int, Array] = {}
    now = [np.asarray(keras.ops.convert_to_numpy(weight)) for weight in model.weights]
    finite = all(np.isfinite(value).all() for value in now)
    if training.initial is not None and not (late and finite):
        values = {id(weight): value for weight, value in zip(model.weights, training.initial, strict=True)}
    elif (late or not training.trained or not may_restart(training)) and finite:
        values = {id(weight): value for weight, value in zip(model.weights, now, strict=True)}
    return {layer.name: [values[id(w)] for w in layer.weights] for layer in layers_of(model) if values}


def _run(setup: Setup, start: Start, by: Yardstick, truth: Array, epochs: int) -> _Run:
    """Trains one side; a side that cannot be trained has a failure."""
    began = time.monotonic()
    keras.utils.set_random_seed(SEED)
    network = surgery.cloned(setup.network)
    for layer in layers_of(network):
        values = start.get(layer.name)
        if layer.name not in setup.fresh and values and _fits(layer, values):
            layer.set_weights(values)
    kind, settings = setup.optimizer
    try:
        network.compile(optimizer=kind.from_config(dict(settings)), loss=setup.loss, jit_compile=False)
        before = scores(network, setup, by, truth)
        keras.utils.set_random_seed(SEED)  # the order of the data does not depend on what was drawn before
        history = network.fit(
            setup.x,
            setup.y,
            batch_size=setup.batch_size,
            epochs=epochs,
            class_weight=setup.class_weight,
            verbose=0,
            callbacks=[_until(network, began + SECONDS)],
        )
        done = len(history.history.get("loss", ()))
        return _Run(before, scores(network, setup, by, truth), done, time.monotonic() - began)
    except Exception as error:  # whatever Keras raises: that this side cannot be trained is the outcome
        nothing = np.array([math.nan])
        return _Run(nothing, nothing, 0, time.monotonic() - began, place_of(error))


def _fits(layer: Any, values: Sequence[Array]) -> bool:
    return [tuple(weight.shape) for weight in layer.weights] == [value.shape for value in values]


def _until(network: keras.Model, ends: float) -> keras.callbacks.Callback:
    def look(epoch: int, logs: Any) -> None:
        network.stop_training = network.stop_training or time.monotonic() > ends

    return keras.callbacks.LambdaCallback(on_epoch_end=look)


def _side(changes: tuple[Change, ...], run: _Run) -> Side:
    before, after = float(np.mean(run.before)), float(np.mean(run.after))
    return Side(changes, before, after, run.epochs, run.seconds, diverged=not math.isfinite(after))


def _taken(by: Yardstick, runs: Sequence[_Run]) -> tuple[int | None, float]:
    """Which remedy is taken, and the noise of its gain."""
    finite = [index for index in range(1, len(runs)) if np.isfinite(runs[index].after).all()]
    if not finite:
        return None, math.nan
    best = max(finite, key=lambda index: by.sign * float(np.mean(runs[index].after)))
    if not np.isfinite(runs[0].after).all():
        return best, math.nan
    gains = by.sign * (runs[best].after - runs[0].after)
    noise = float(np.std(gains, ddof=1) / math.sqrt(len(gains))) if len(gains) > 1 else math.nan
    gain = float(np.mean(gains))
    clear = gain > CLEAR * noise if math.isfinite(noise) else gain > 0
    return (best if clear and gain > 0 else None), noise


def _sentence(by: Yardstick, sides: Sequence[Side], taken: int | None) -> str:
    was = sides[0]
    as_it_was = "the run as it was diverges" if was.diverged else f"{was.after:.4g} without"
    length = (
        f"after {was.epochs} epoch{'' if was.epochs == 1 else 's'}" if was.epochs else "where training fails as it is"
    )
    if taken is None:
        return f"No remedy beat the run as it was by more than the noise {length} ({by.name}: {as_it_was})."
    side = sides[taken]
    return f"{_words(side.changes)} helps: {by.name} {side.after:.4g} {length}, {as_it_was}."


def _words(changes: Sequence[Change]) -> str:
    shown = " and ".join(f"{change.path} = {change.value}" for change in changes[:3])
    return shown + (f" and {len(changes) - 3} more" if len(changes) > 3 else "")
