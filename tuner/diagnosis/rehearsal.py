"""What would happen if this model were trained? A copy is trained for some epochs, and its curves are recorded.

For a model that comes with data but without a history. It takes a minute at most.
"""

import time
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tuner.diagnosis.copies import NoCopy, copy_of, may_restart
from tuner.diagnosis.examples import Array
from tuner.diagnosis.places import place_of
from tuner.diagnosis.recording import rate_of
from tuner.diagnosis.training import Training, size_of

EPOCHS = 10
SECONDS = 60.0
HELD_OUT = 0.2  # of the examples, where no validation data came
LEAST_TO_SPLIT = 50  # examples


def rehearse(training: Training, epochs: int = EPOCHS, seconds: float = SECONDS) -> Training:
    """The training with the curves of a copy; unchanged but for a note where that cannot be had."""
    if training.history or training.failure or training.x is None or training.y is None:
        return training
    if not getattr(training.model, "compiled", False):
        return _noted(training, "the model is not compiled: without a loss and an optimizer nothing can be trained")
    if training.trained and not may_restart(training):
        return _noted(training, "the model came trained, and parts of it from elsewhere: it was not trained again")
    try:
        copy = copy_of(training.model, fresh=bool(training.trained))
    except NoCopy as error:
        return _noted(training, f"no curves: {error}")
    return _trained(training, copy, epochs, seconds)


def _trained(training: Training, copy: keras.Model, epochs: int, seconds: float) -> Training:
    assert training.x is not None
    assert training.y is not None
    initial = tuple(np.array(keras.ops.convert_to_numpy(w)) for w in copy.weights) if size_of(copy) else None
    train, validation = _parts(training)
    history: dict[str, list[float]] = {}
    ends = time.monotonic() + seconds
    failure = ""
    try:
        copy.fit(
            *train,
            batch_size=training.batch_size,
            epochs=epochs,
            validation_data=validation,
            class_weight=training.class_weight,
            verbose=0,
            callbacks=[_watcher(copy, history, ends)],
        )
    except Exception as error:  # that the model cannot be trained is a finding, whatever Keras raises to say so
        failure = place_of(error)
    if training.trained and not failure:
        initial = None  # the copy began anew, the model that is looked at did not
    done = len(history.get("loss", ()))
    note = f"no history came with the model: a copy was trained for {done} epoch{'' if done == 1 else 's'}"
    return replace(
        training,
        model=training.model if training.trained else copy,
        trained=training.trained or done > 0,
        history={name: tuple(values) for name, values in history.items()},
        initial=initial,
        epochs_planned=done,
        val_examples=training.val_examples or (len(validation[0]) if validation else None),
        rehearsed=True,
        failure=failure,
        notes=(*training.notes, note + (" from fresh weights" if training.trained else "")),
    )


def _parts(training: Training) -> tuple[tuple[Array, Array], tuple[Array, Array] | None]:
    """Training and validation examples: as given, or a part held out where there are enough."""
    assert training.x is not None
    assert training.y is not None
    if training.val_x is not None and training.val_y is not None:
        return (training.x, training.y), (training.val_x, training.val_y)
    count = len(training.x)
    if count < LEAST_TO_SPLIT:
        return (training.x, training.y), None
    order = np.random.default_rng(0).permutation(count)
    kept, held = np.sort(order[round(HELD_OUT * count) :]), np.sort(order[: round(HELD_OUT * count)])
    return (training.x[kept], training.y[kept]), (training.x[held], training.y[held])


def _watcher(copy: keras.Model, history: dict[str, list[float]], ends: float) -> keras.callbacks.Callback:
    def on_batch(batch: int, logs: Any) -> None:
        copy.stop_training = copy.stop_training or time.monotonic() > ends

    def on_epoch(epoch: int, logs: Any) -> None:
        for name, value in {**(logs or {}), "learning_rate": rate_of(copy.optimizer)}.items():
            history.setdefault(name, []).append(float(np.mean(np.asarray(value))))

    return keras.callbacks.LambdaCallback(on_train_batch_end=on_batch, on_epoch_end=on_epoch)


def _noted(training: Training, note: str) -> Training:
    return replace(training, notes=(*training.notes, note))
