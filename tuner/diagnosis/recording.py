"""What did a program train? Every call of `Model.fit` is written down: model, data, epochs, and how they went.

`fit` itself is not changed: it is given one more callback, and no more epochs than are allowed. Calls that go on with
the same model and the same optimizer are one training (a loop around `fit(epochs=1)` is common).
"""

import functools
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tuner.diagnosis.examples import Examples, is_stream, of_arrays, of_stream
from tuner.diagnosis.places import place_of
from tuner.diagnosis.programs import EnoughEpochs
from tuner.diagnosis.training import Training, size_of
from tuner.probes.subject import schedule_of

MOST_WEIGHTS = 50_000_000  # numbers; the first weights of a larger model are not kept
RATE_CALLBACKS = ("LearningRateScheduler", "ReduceLROnPlateau")
DEFAULT_BATCH = 32  # of Keras
DEFAULTS = {"x": None, "y": None, "epochs": 1}  # of Keras, for what is read without being asked whether it is there


@dataclass
class Recorded:
    """One training, while it is going on."""

    model: keras.Model
    optimizer: Any
    train: Examples
    validation: Examples
    batch_size: int
    planned: int
    class_weight: Mapping[int, float] | None = None
    scheduled: bool = False
    epochs: int = 0  # finished
    history: dict[str, list[float | None]] = field(default_factory=dict)
    initial: tuple[Any, ...] | None = None
    fresh: bool = True  # no earlier training of the same model was seen
    failure: str = ""
    capped: bool = False
    stops_early: bool = False


@dataclass
class Record:
    """All trainings of one program: how long each was, and the one to diagnose."""

    max_epochs: int | None = None
    trainings: list[Recorded] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def begin(self, recorded: Recorded) -> Recorded:
        """Takes a call of `fit` as a new training, or as the next part of the last one."""
        last = self.trainings[-1] if self.trainings else None
        if last and last.model is recorded.model and last.optimizer is recorded.optimizer and not last.failure:
            last.planned += recorded.planned
            if self.max_epochs is not None and last.epochs >= self.max_epochs:
                last.capped = True
                raise EnoughEpochs
            return last
        recorded.fresh = not any(known.model is recorded.model for known in self.trainings)
        self.trainings = [known for known in self.trainings if known is self.chosen] + [recorded]  # others are let go
        self.lengths.append(0)
        return recorded

    @property
    def chosen(self) -> Recorded | None:
        """The training to diagnose: the last if it failed, else the longest; of equally long ones the last."""
        if self.trainings and self.trainings[-1].failure:
            return self.trainings[-1]
        return max(reversed(self.trainings), key=lambda known: known.epochs, default=None)


@contextmanager
def recorded_fits(max_epochs: int | None = None) -> Iterator[Record]:
    """While it is open, every `fit` of every Keras model is written into the record that it gives."""
    record = Record(max_epochs)
    original = keras.Model.fit
    signature = inspect.signature(original)

    @functools.wraps(original)
    def fit(*given: Any, **named: Any) -> Any:  # the signature of Keras, whatever its version
        try:
            bound = signature.bind(*given, **named)
        except TypeError:
            return original(*given, **named)  # which says what is wrong
        call = {**DEFAULTS, **bound.arguments}
        recorded = record.begin(_recorded(call))
        changed = {**call, **_watched(call, recorded, max_epochs)}
        bound.arguments.update({name: changed[name] for name in (*bound.arguments, "callbacks", "epochs")})
        _build(recorded)
        try:
            return original(*bound.args, **bound.kwargs)
        except BaseException as error:
            recorded.failure = place_of(error)
            raise
        finally:
            record.lengths[-1] = recorded.epochs

    keras.Model.fit = fit
    try:
        yield record
    finally:
        keras.Model.fit = original


def _recorded(call: dict[str, Any]) -> Recorded:
    """A call of `fit` as it begins. A generator among the arguments is replaced by one that begins where it began."""
    model, x, split = call["self"], call["x"], call.get("validation_split") or 0.0
    if is_stream(x):
        train, call["x"] = of_stream(x)
    else:
        train = of_arrays(x, call["y"])
    validation = Examples()
    given = call.get("validation_data")
    if given is not None and is_stream(given):
        validation, call["validation_data"] = of_stream(given)
    elif given is not None:
        validation = of_arrays(*tuple(given)[:2])
    elif split and train.count:
        train, validation = _split(train, float(split))
    callbacks = _listed(call.get("callbacks"))
    return Recorded(
        model,
        getattr(model, "optimizer", None),
        train,
        validation,
        batch_size=train.batch_size or call.get("batch_size") or DEFAULT_BATCH,
        planned=int(call["epochs"]) - int(call.get("initial_epoch") or 0),
        class_weight=call.get("class_weight"),
        scheduled=any(type(callback).__name__ in RATE_CALLBACKS for callback in callbacks),
        stops_early=any(
            isinstance(one, keras.callbacks.EarlyStopping) and one.restore_best_weights for one in callbacks
        ),
    )


def _split(train: Examples, share: float) -> tuple[Examples, Examples]:
    """As `validation_split` does it: the last examples, unshuffled."""
    count = train.count or 0
    cut = int(np.floor(count * (1 - share)))

    def part(begin: int, end: int) -> Examples:
        x = None if train.x is None else train.x[begin:end]
        y = None if train.y is None else train.y[begin:end]
        return Examples(x, y, end - begin, train.batch_size, train.note)

    return part(0, cut), part(cut, count)


def _listed(callbacks: Any) -> list[Any]:
    """Keras takes a callback, a list of them, or a `CallbackList`."""
    if callbacks is None:
        return []
    return list(getattr(callbacks, "callbacks", callbacks if isinstance(callbacks, list | tuple) else [callbacks]))


def _watched(call: dict[str, Any], recorded: Recorded, max_epochs: int | None) -> dict[str, Any]:
    """The arguments that are changed: one more callback, and the epochs that are allowed."""
    watcher = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: _remember_weights(recorded),
        on_epoch_end=lambda epoch, logs: _remember_epoch(recorded, logs or {}),
    )
    callbacks = call.get("callbacks")
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(watcher)
    else:
        callbacks = [*_listed(callbacks), watcher]
    epochs = int(call["epochs"])
    if max_epochs is not None:
        allowed = int(call.get("initial_epoch") or 0) + max(1, max_epochs - recorded.epochs)
        recorded.capped |= allowed < epochs
        epochs = min(epochs, allowed)
    return {"callbacks": callbacks, "epochs": epochs}


def _build(recorded: Recorded) -> None:
    """Gives a model without an input its weights now, as `fit` would in its first step: they are to be seen first."""
    x = recorded.train.x
    if recorded.model.built or x is None or not len(x):
        return
    try:
        if isinstance(recorded.model, keras.Sequential):
            recorded.model.build((None, *x.shape[1:]))
        else:
            recorded.model(x[:1])
    except (ValueError, TypeError):
        pass  # layers that do not fit on each other: fit says so


def _remember_weights(recorded: Recorded) -> None:
    if recorded.initial is None and recorded.fresh and 0 < size_of(recorded.model) <= MOST_WEIGHTS:
        recorded.initial = tuple(np.array(keras.ops.convert_to_numpy(w)) for w in recorded.model.weights)


def _remember_epoch(recorded: Recorded, logs: Mapping[str, Any]) -> None:
    values = {name: float(np.mean(np.asarray(value))) for name, value in logs.items()}
    rate = rate_of(recorded.optimizer)
    if rate is not None and "learning_rate" not in values:
        values["learning_rate"] = rate
    for name in {**recorded.history, **values}:
        column = recorded.history.setdefault(name, [None] * recorded.epochs)
        column.append(values.get(name))
    recorded.epochs += 1


def rate_of(optimizer: Any) -> float | None:
    """The rate of the next step, or None where there is no optimizer with one."""
    rate = getattr(optimizer, "learning_rate", None)
    return None if rate is None else float(np.asarray(keras.ops.convert_to_numpy(rate)))


def training_of(record: Record) -> Training | None:
    """The training that is diagnosed, or None where `fit` was never called."""
    run = record.chosen
    if run is None:
        return None
    notes = [note for note in (run.train.note, run.validation.note) if note]
    if len(record.lengths) > 1:
        notes.append(
            f"{len(record.lengths)} trainings were seen, of {_counts(record.lengths)} epochs; one is diagnosed"
        )
    if run.capped:
        notes.append(f"stopped after {run.epochs} of {run.planned} epochs, as many as were allowed")
    return Training(
        run.model,
        run.train.x,
        run.train.y,
        run.validation.x,
        run.validation.y,
        train_examples=run.train.count,
        val_examples=run.validation.count,
        history={name: tuple(values) for name, values in run.history.items()},
        epochs_planned=run.planned,
        batch_size=run.batch_size,
        class_weight=run.class_weight,
        initial=run.initial,
        trained=run.epochs > 0 or not run.fresh,
        rate_is_scheduled=run.scheduled or schedule_of(run.optimizer) is not None,
        stops_early=run.stops_early,
        failure=run.failure,
        notes=tuple(notes),
    )


def _counts(lengths: list[int]) -> str:
    shown = ", ".join(map(str, lengths[:6]))
    return shown + (", …" if len(lengths) > 6 else "")
