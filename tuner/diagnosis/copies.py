"""How is a model trained without touching it? A copy with weights and an optimizer of its own, compiled alike."""

from typing import Any

import keras

from tuner.diagnosis.training import Training


class NoCopy(ValueError):
    """The model cannot be built a second time (a subclass without `get_config`, a class that nobody registered)."""


def copy_of(model: keras.Model, fresh: bool = False) -> keras.Model:
    """The same network, compiled alike; with the same weights, or `fresh` ones. Raises `NoCopy`.

    Frozen layers stay frozen.
    """
    copy = _built(model)
    if not fresh and model.built:
        copy.set_weights(model.get_weights())
    for ours, theirs in zip(copy.layers, model.layers, strict=True):
        ours.trainable = theirs.trainable
    compile_like(copy, model)
    return copy


def _built(model: keras.Model) -> keras.Model:
    try:
        if isinstance(model, keras.Sequential) or hasattr(model, "operations"):  # functional
            copy = keras.models.clone_model(model)
        else:
            copy = type(model).from_config(model.get_config())
        if model.built and not copy.built:
            copy.build(getattr(model, "_build_shapes_dict", None) or model.input_shape)
    except (ValueError, TypeError, NotImplementedError, AttributeError, RuntimeError) as error:
        raise NoCopy(f"{type(model).__name__} cannot be built a second time: {error}") from None
    if len(copy.weights) != len(model.weights):
        raise NoCopy(f"{type(model).__name__} builds its weights only when it is called")
    return copy


def compile_like(
    copy: keras.Model,
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer | None = None,
    loss: Any = None,
    metrics: list[Any] | None = None,
) -> None:
    """Compiles `copy` as `model` is compiled; what is given takes the place of the model's own."""
    if getattr(model, "optimizer", None) is None:
        return
    copy.compile(
        optimizer=optimizer or new_optimizer(model.optimizer),
        loss=model.loss if loss is None else loss,
        loss_weights=getattr(getattr(model, "_compile_loss", None), "_loss_weights", None),
        metrics=metrics_of(model) if metrics is None else metrics,
        run_eagerly=model.run_eagerly,
        jit_compile=model.jit_compile,
    )


def new_optimizer(optimizer: keras.optimizers.Optimizer, **settings: Any) -> keras.optimizers.Optimizer:
    """One of the same kind and settings that has not taken a step."""
    return type(optimizer).from_config({**optimizer.get_config(), **settings})


def metrics_of(model: keras.Model) -> list[Any]:
    """The metrics that `compile` was given, each with a state of its own; none where they are given by output."""
    given = getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)
    if not isinstance(given, list | tuple):
        return []
    return [type(m).from_config(m.get_config()) if isinstance(m, keras.metrics.Metric) else m for m in given]


def may_restart(training: Training) -> bool:
    """Whether fresh weights are a fair start: nothing in the model looks as if it came trained."""
    nested = any(isinstance(layer, keras.Model) for layer in training.model.layers)
    frozen = any(layer.weights and not layer.trainable for layer in training.model.layers)
    return not nested and not frozen
