"""How is a model asked for its loss and gradients without a single one of its variables changing?

Keras's stateless scope reads variables from a list of values and keeps what would be assigned (moving averages, seeds)
to itself. So a pass in training mode leaves batch norm as it was, dropout draws the same mask each time, and a step can
be tried at weights that the model does not have. The same on every backend.

Source: keras.StatelessScope; keras/src/backend/jax/trainer.py computes its loss this way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Values = Sequence[Any]  # one array for each trainable variable, in the order of `model.trainable_variables`


@dataclass(frozen=True)
class Loss:
    """The loss on one batch in the loss's own unit: all of it, and without penalties on weights and activations."""

    total: float
    data: float


def problems() -> tuple[type[Exception], ...]:
    """What Keras and its backend raise where a model, its loss and its data do not fit together."""
    plain = (ValueError, TypeError, KeyError, IndexError, NotImplementedError, AttributeError)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return (*plain, tf.errors.OpError)
    return (*plain, RuntimeError)


def taken(data: Any, rows: NDArray[np.intp]) -> Any:
    """The given rows of an array, or of every array of a list or dict."""
    return keras.tree.map_structure(lambda array: np.asarray(array)[rows], data)


def compiled_loss(model: keras.Model) -> bool:
    """Whether the model was compiled with a loss."""
    return getattr(model, "_compile_loss", None) is not None


def values_of(model: keras.Model) -> list[Any]:
    """The trainable variables' values as they are now."""
    return [keras.ops.convert_to_tensor(v.value) for v in model.trainable_variables]


def losses(
    model: keras.Model, values: Values | None, x: Any, y: Any, training: bool, others: Values | None = None
) -> tuple[Any, Any, list[Any]]:
    """Total loss, data loss (scalar tensors), and the non-trainable variables as the pass would leave them."""
    values = values_of(model) if values is None else values  # a penalty is only read off variables that are mapped
    mapping = list(zip(model.trainable_variables, values, strict=True))
    if others is not None:
        mapping += list(zip(model.non_trainable_variables, others, strict=True))
    with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
        predicted = called(model, x, training)
        total = model.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=None)
        penalties = [keras.ops.cast(keras.ops.sum(extra), total.dtype) for extra in model.losses]
        data = total - sum(penalties) if penalties else total
    after = [scope.get_current_value(v) for v in model.non_trainable_variables]
    return (
        total,
        data,
        [v.value if new is None else new for v, new in zip(model.non_trainable_variables, after, strict=True)],
    )


def loss(
    model: keras.Model, values: Values | None, x: Any, y: Any, training: bool, others: Values | None = None
) -> Loss:
    """The loss of a batch at `values`; `others` stand in for the non-trainable variables (moving averages)."""
    x, y = prepared(model, x, y)
    total, data, _ = losses(model, values, x, y, training, others)
    return Loss(_number(total), _number(data))


def after_a_pass(model: keras.Model, x: Any, y: Any) -> list[NDArray[Any]]:
    """The non-trainable variables as one pass in training mode would leave them."""
    x, y = prepared(model, x, y)
    return [_array(v) for v in losses(model, None, x, y, training=True)[2]]


def gradient_function(model: keras.Model) -> Callable[[Values, Any, Any], tuple[Loss, list[Any]]]:
    """A function of (values, x, y): the loss in training mode, and the gradient of each trainable variable or None."""
    backend = keras.backend.backend()
    inner = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend](model)

    def gradients(values: Values, x: Any, y: Any) -> tuple[Loss, list[Any]]:
        x, y = prepared(model, x, y)
        total, data, found = inner(list(values), x, y)
        return Loss(_number(total), _number(data)), found

    return gradients


def prepared(model: keras.Model, x: Any, y: Any) -> tuple[Any, Any]:
    """Tensors as `fit` would hand them to the model; the compiled loss is built, which a stateless scope cannot do."""
    x = keras.tree.map_structure(_tensor, x)
    y = keras.tree.map_structure(_tensor, y)
    if not model._compile_loss.built:
        model._compile_loss.build(y, called(model, x, False))
    leaves = keras.tree.flatten(y)
    if len(leaves) == 1 and len(leaves[0].shape) == 1:  # the trainer does the same: (N,) becomes (N, 1)
        y = keras.tree.map_structure(lambda target: keras.ops.expand_dims(target, -1), y)
    return x, y


def _tensor(array: Any) -> Any:
    array = np.asarray(array)
    return keras.ops.convert_to_tensor(array.astype("float32") if array.dtype == np.float64 else array)


def called(model: keras.Model, x: Any, training: bool) -> Any:
    """The model's answer, whether or not its `call` asks for the mode."""
    takes = getattr(model, "_call_has_training_arg", True)
    return model(x, training=training) if takes else model(x)


def _tensorflow(model: keras.Model) -> Callable[[list[Any], Any, Any], tuple[Any, Any, list[Any]]]:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def gradients(values: list[Any], x: Any, y: Any) -> tuple[Any, Any, list[Any]]:
        values = [tf.identity(value) for value in values]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            total, data, _ = losses(model, values, x, y, training=True)
        found = tape.gradient(total, values)
        return total, data, [None if g is None else tf.convert_to_tensor(g) for g in found]

    compiled: Callable[[list[Any], Any, Any], tuple[Any, Any, list[Any]]] = gradients
    return compiled


def _jax(model: keras.Model) -> Callable[[list[Any], Any, Any], tuple[Any, Any, list[Any]]]:
    import jax

    def value(values: list[Any], x: Any, y: Any) -> tuple[Any, Any]:
        total, data, _ = losses(model, values, x, y, training=True)
        return total, data

    compiled = jax.jit(jax.value_and_grad(value, has_aux=True))

    def gradients(values: list[Any], x: Any, y: Any) -> tuple[Any, Any, list[Any]]:
        (total, data), found = compiled(values, x, y)
        return total, data, list(found)

    return gradients


def _torch(model: keras.Model) -> Callable[[list[Any], Any, Any], tuple[Any, Any, list[Any]]]:
    import torch  # type: ignore[import-not-found]

    def gradients(values: list[Any], x: Any, y: Any) -> tuple[Any, Any, list[Any]]:
        values = [value.detach().clone().requires_grad_(True) for value in values]
        total, data, _ = losses(model, values, x, y, training=True)
        return total, data, list(torch.autograd.grad(total, values, allow_unused=True))

    return gradients


def _number(value: Any) -> float:
    return float(_array(value))


def _array(value: Any) -> NDArray[Any]:
    return np.asarray(keras.ops.convert_to_numpy(value))
