"""How is a remedy put into practice? A table: path of a change -> the setup with it.

A path that is not in the table, or a value that only a person can follow ("look"), is said and not tried.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras

from tuner.diagnosis import data_remedies, surgery
from tuner.diagnosis.setups import CannotApply, Setup, loss_parts, make_loss, targets_for, with_optimizer
from tuner.probes.schedule import SETTINGS
from tuner.records import Change, Verdict

EPOCHS = 5  # of a duel
FACTOR = re.compile(r"([÷×x/*])\s*([\d.]+)")
PEOPLE = ("look",)  # values that only a person can follow
UNTRIED = {  # path -> why a duel of a few epochs does not try it
    "steps.change.epochs": "that takes longer than a duel",
    "training.early_stopping": "that shows only in a whole run",
    "transfer.stage": "stages are those of a recipe",
    "transfer": "stages are those of a recipe",
    "model.backbone": "a program builds a network of its own",
    "model.normalization": "a program builds a network of its own",
    "model.auxiliary_head": "it belongs into the program's own training step",
    "data.train_examples": "a person has to collect them",
    "metrics": "a metric changes no training",
    "loss.weights": "a model with several losses is not copied",
}
NAMED = re.compile(r"layers\.(.+)\.(activation|kernel_initializer|trainable|rate|momentum|mask_zero)")


def remedies_of(verdict: Verdict) -> list[tuple[Change, ...]]:
    """The remedies of a verdict in its order: the same change to several layers is one remedy."""
    if verdict.one_remedy:
        return [verdict.changes]
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in verdict.changes:
        groups.setdefault((NAMED.sub(r"layers.*.\2", change.path), repr(change.value)), []).append(change)
    return [tuple(group) for group in groups.values()]


def applied(setup: Setup, changes: Sequence[Change]) -> Setup:
    """The setup with all changes. Raises `CannotApply` with the path and the reason."""
    for change in changes:
        try:
            setup = _function(change)(setup, change.value)
        except CannotApply as error:
            raise CannotApply(f"{change.path} = {change.value}: {error}") from None
    return setup


def _function(change: Change) -> Callable[[Setup, Any], Setup]:
    if change.value in PEOPLE:
        raise CannotApply("a person has to look")
    if change.path in UNTRIED:
        raise CannotApply(UNTRIED[change.path])
    if change.path in APPLIERS:
        return APPLIERS[change.path]
    if change.value == "remove" and change.path.startswith("layers."):
        name = change.path.removeprefix("layers.")
        return lambda setup, value: _network(setup, surgery.without(setup.network, name))
    if named := NAMED.fullmatch(change.path):
        name, what = named[1], named[2]
        return lambda setup, value: _layer(setup, name, what, value)
    raise CannotApply("this is not changed in a program; change it by hand")


def _network(setup: Setup, network: keras.Model, fresh: Sequence[str] = ()) -> Setup:
    return replace(setup, network=network, fresh=setup.fresh | set(fresh))


def _layer(setup: Setup, name: str, what: str, value: Any) -> Setup:
    if what == "activation":
        return _network(setup, surgery.with_activation(setup.network, name, value))
    fresh = [name] if what == "kernel_initializer" else []
    return _network(setup, surgery.changed(setup.network, {name: {what: value}}), fresh)


def _number(value: Any, now: float | None) -> float:
    """A number, or a factor of what is now ("÷3")."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = FACTOR.fullmatch(str(value).strip())
    if not found or now is None:
        raise CannotApply("the value is no number")
    factor = float(found[2])
    return now / factor if found[1] in "÷/" else now * factor


def _learning_rate(setup: Setup, value: Any) -> Setup:
    _, settings = setup.optimizer
    now = settings.get("learning_rate")
    return with_optimizer(setup, learning_rate=_number(value, now if isinstance(now, float) else None))


def _schedule(setup: Setup, value: Any) -> Setup:
    """A cosine over the epochs of a duel."""
    now = setup.optimizer[1].get("learning_rate")
    if value != "CosineDecay" or not isinstance(now, float):
        raise CannotApply("only a constant rate can be made a cosine")
    return with_optimizer(setup, learning_rate=keras.optimizers.schedules.CosineDecay(now, EPOCHS * _steps(setup)))


def _schedule_length(setup: Setup, value: Any) -> Setup:
    """The schedule that there is, with another length in steps."""
    now = setup.optimizer[1].get("learning_rate")
    given: dict[str, Any] = now if isinstance(now, dict) else {}
    settings = given.get("config", {})
    name = next((one for one in SETTINGS if settings.get(one) is not None), None)
    if name is None:
        raise CannotApply("there is no schedule of Keras with a length")
    longer = {**given, "config": {**settings, name: value}}
    return with_optimizer(setup, learning_rate=keras.optimizers.schedules.deserialize(longer))


def _warm_up(setup: Setup, value: Any) -> Setup:
    """The rate grows over so many epochs, and then stays."""
    now = setup.optimizer[1].get("learning_rate")
    if not isinstance(now, float):
        raise CannotApply("only a constant rate can be given a warm-up")
    steps = max(1, round(float(value) * _steps(setup)))
    grows = keras.optimizers.schedules.CosineDecay(0.0, 1, alpha=1.0, warmup_target=now, warmup_steps=steps)
    return with_optimizer(setup, learning_rate=grows)


def _steps(setup: Setup) -> int:
    """Of an epoch."""
    return max(1, math.ceil(len(setup.x) / setup.batch_size))


def _optimizer(setup: Setup, value: Any) -> Setup:
    try:
        chosen = keras.optimizers.get(str(value).lower())
    except ValueError:
        raise CannotApply(f"Keras has no optimizer {value!r}") from None
    return replace(setup, optimizer=(type(chosen), chosen.get_config()))


def _clip(setup: Setup, value: Any) -> Setup:
    return with_optimizer(setup, global_clipnorm=float(value), clipnorm=None, clipvalue=None)


def _loss_name(setup: Setup, value: Any) -> Setup:
    try:
        _, settings = loss_parts(setup.loss)
    except CannotApply:
        settings = {}
    units = setup.network.output_shape[-1] or 1
    y, val_y = (targets_for(str(value), part, units) for part in (setup.y, setup.val_y))
    assert y is not None
    return replace(setup, loss=make_loss(str(value), settings), y=y, val_y=val_y, same_loss=False)


def _from_logits(setup: Setup, value: Any) -> Setup:
    name, settings = loss_parts(setup.loss)
    return replace(setup, loss=make_loss(name, {**settings, "from_logits": bool(value)}), same_loss=False)


def _smoothing(setup: Setup, value: Any) -> Setup:
    name, settings = loss_parts(setup.loss)
    setup = _loss_name(setup, "categorical_crossentropy") if name.startswith("sparse") else setup
    name = loss_parts(setup.loss)[0]
    return replace(setup, loss=make_loss(name, {**settings, "label_smoothing": float(value)}), same_loss=False)


def _dropout(setup: Setup, value: Any) -> Setup:
    layers = [layer.name for layer in setup.network.layers if type(layer).__name__.endswith("Dropout")]
    if layers:
        return _network(setup, surgery.changed(setup.network, {name: {"rate": float(value)} for name in layers}))
    return _network(setup, surgery.before_head(setup.network, lambda x: keras.layers.Dropout(float(value))(x)))


def _head_units(setup: Setup, value: Any) -> Setup:
    head = surgery.head_of(setup.network)
    word = next(name for name in surgery.WIDE if hasattr(head, name))
    return _network(setup, surgery.changed(setup.network, {head.name: {word: int(value)}}), [head.name])


def _hidden_head(setup: Setup, value: Any) -> Setup:
    def put(x: Any) -> Any:
        for units in value:
            x = keras.layers.Dense(int(units), activation="relu")(x)
        return x

    return _network(setup, surgery.before_head(setup.network, put), [surgery.head_of(setup.network).name])


def _initializers(setup: Setup, value: Any) -> Setup:
    layers = (*surgery.hidden(setup.network), surgery.head_of(setup.network))
    names = [layer.name for layer in layers if "kernel_initializer" in layer.get_config()]
    settings = {name: {"kernel_initializer": value} for name in names}
    return _network(setup, surgery.changed(setup.network, settings), names)


def _head_axis(setup: Setup, value: Any) -> Setup:
    last = next((layer for layer in reversed(setup.network.layers) if type(layer).__name__ == "Softmax"), None)
    if last is None:
        raise CannotApply("there is no softmax layer")
    return _network(setup, surgery.changed(setup.network, {last.name: {"axis": int(value)}}))


def _head_initializer(setup: Setup, value: Any) -> Setup:
    return _layer(setup, surgery.head_of(setup.network).name, "kernel_initializer", value)


def _trainable(setup: Setup, value: Any) -> Setup:
    names = [layer.name for layer in setup.network.layers if layer.weights]
    return _network(setup, surgery.changed(setup.network, {name: {"trainable": bool(value)} for name in names}))


def _momentum(setup: Setup, value: Any) -> Setup:
    names = [layer.name for layer in setup.network.layers if type(layer).__name__ == "BatchNormalization"]
    return _network(setup, surgery.changed(setup.network, {name: {"momentum": float(value)} for name in names}))


def _penalty(setup: Setup, value: Any) -> Setup:
    """The penalties that there are, made smaller or removed; of a number above 0, that L2 penalty on every kernel."""
    if isinstance(value, int | float) and value > 0:
        kernels = [layer.name for layer in setup.network.layers if "kernel_regularizer" in layer.get_config()]
        penalized = {name: {"kernel_regularizer": keras.regularizers.L2(float(value))} for name in kernels}
        if not penalized:
            raise CannotApply("no layer has a kernel")
        return replace(_network(setup, surgery.changed(setup.network, penalized)), same_loss=False)
    settings = {}
    for layer in setup.network.layers:
        penalty = getattr(layer, "kernel_regularizer", None)
        now = None if penalty is None else penalty.get_config()
        if now:
            smaller = {name: _number(value, float(number)) for name, number in now.items() if name in ("l1", "l2")}
            settings[layer.name] = {"kernel_regularizer": keras.regularizers.L1L2(**smaller)}
    if not settings:
        raise CannotApply("no layer has a penalty")
    return _network(setup, surgery.changed(setup.network, settings))


def _wider(setup: Setup, value: Any) -> Setup:
    factor = _number(value, 1.0)
    if not math.isfinite(factor) or factor <= 0:
        raise CannotApply("that is no width")
    return replace(
        _network(setup, surgery.with_units(setup.network, factor)),
        fresh=frozenset(layer.name for layer in setup.network.layers),
    )


def _augmented(setup: Setup, value: Any) -> Setup:
    if setup.x.ndim != 4:
        raise CannotApply("the inputs are no pictures")
    layers = [getattr(keras.layers, name)(**settings) for name, settings in value]
    inputs = keras.Input(setup.x.shape[1:])
    distorted = inputs
    for layer in layers:
        distorted = layer(distorted)
    return _network(setup, keras.Model(inputs, surgery.cloned(setup.network)(distorted)))


def _flattened(setup: Setup, value: Any) -> Setup:
    network = surgery.before_head(setup.network, lambda x: keras.layers.Flatten()(x))
    return _network(setup, network, [surgery.head_of(setup.network).name])


APPLIERS: dict[str, Callable[[Setup, Any], Setup]] = {
    "optimizer.learning_rate": _learning_rate,
    "optimizer.name": _optimizer,
    "optimizer.global_clipnorm": _clip,
    "schedule.name": _schedule,
    "schedule.length": _schedule_length,
    "schedule.warmup_epochs": _warm_up,
    "optimizer.weight_decay": lambda setup, value: with_optimizer(setup, weight_decay=float(value)),
    "loss.name": _loss_name,
    "loss.from_logits": _from_logits,
    "loss.label_smoothing": _smoothing,
    "head.activation": lambda setup, value: _network(setup, surgery.with_head_activation(setup.network, value)),
    "head.units": _head_units,
    "head.kernel_initializer": _head_initializer,
    "head.axis": _head_axis,
    "model.head_initializer": _head_initializer,
    "model.dropout": _dropout,
    "model.units": _wider,
    "model.head_units": _hidden_head,
    "layers.kernel_initializer": _initializers,
    "layers.trainable": _trainable,
    "layers.batch_normalization.momentum": _momentum,
    "layers.add_batch_normalization": lambda setup, value: _network(
        setup, surgery.with_batch_normalization(setup.network)
    ),
    "layers.add_skip_connections": lambda setup, value: _network(setup, surgery.with_skip_connections(setup.network)),
    "layers.add_flatten": _flattened,
    "regularization.l2": _penalty,
    "augmentation": _augmented,
    "data.batch_size": lambda setup, value: replace(setup, batch_size=int(value)),
    "data.class_weight": data_remedies.balanced,
    "data.drop_non_finite": data_remedies.finite,
    "data.scale_inputs": data_remedies.scaled_inputs,
    "data.scale_targets": data_remedies.scaled_targets,
}
"""Path -> function of the setup and the new value; a new remedy is a function and a line."""
