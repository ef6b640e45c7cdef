"""What is a network that only predicts? A list of calls, and the values that they read.

Around each layer Keras keeps books: it casts, names, checks and collects losses. A frozen network needs none of that,
and most of the time in which it is traced goes there. Here each layer's own `call` runs, in the order of the graph:
EfficientNet-Lite0 is traced in 0.1 s instead of 0.5.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import keras
from keras import layers, ops, tree
from keras.src.backend import AutocastScope

from tuner.models.fresh import Array

IN_FLOAT32 = (  # in any case: pixels of 8 bits less a mean want more bits, and so do sums over many values
    *(layers.Rescaling, layers.Normalization, layers.BatchNormalization),
    *(layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.Reshape),
)


class Calls:
    """A functional model of one input and one output, in inference mode: float32 images (B, ...) -> float32 (B, ...).

    It shares no value with the model: what that learns later is not seen here.
    """

    def __init__(
        self,
        model: keras.Model,
        values: Mapping[int, Array],
        shifts: Mapping[int, Array],
        skipped: Collection[int] = (),
        precision: str = "float32",
    ) -> None:
        """All keys are ids: of variables for `values`, which they have here; of layers for the others.

        A layer's `shifts` (broadcast to its output) are added to what it gives; one that is `skipped` gives its input.
        Other layers than those of `IN_FLOAT32` compute in `precision`.
        """
        self._first, self._last = id(model.inputs[0]), id(model.outputs[0])
        self._nodes = [node for node in nodes_of(model) if not node.is_input]
        self._skipped = frozenset(skipped)
        self.precision = precision
        self._state = [
            (variable, ops.convert_to_tensor(values.get(id(variable), variable.value), variable.dtype))
            for layer in model.layers
            for variable in layer.weights
        ]
        self._shifts = {key: ops.convert_to_tensor(value, "float32") for key, value in shifts.items()}

    @property
    def operations(self) -> Sequence[Any]:
        """What is called, in order."""
        return [node.operation for node in self._nodes if id(node.operation) not in self._skipped]

    def __call__(self, images: Any, training: bool = False) -> Any:
        """The output for a batch; `training` is there to be asked like a model, and has to be False."""
        assert not training
        seen = {self._first: ops.convert_to_tensor(images, "float32")}
        with keras.StatelessScope(self._state):
            for node in self._nodes:
                args, kwargs = node.arguments.fill_in(seen)
                found = args[0] if id(node.operation) in self._skipped else self._called(node.operation, args, kwargs)
                for symbol, value in zip(node.outputs, tree.flatten(found), strict=True):
                    seen[id(symbol)] = value
        return ops.cast(seen[self._last], "float32")

    def _called(self, layer: Any, args: Any, kwargs: Any) -> Any:
        if getattr(layer, "_call_has_context_arg", {}).get("training"):
            kwargs = {**kwargs, "training": False}
        shift = self._shifts.get(id(layer))
        if self.precision == "float32":
            found = layer.call(*args, **kwargs)
            return found if shift is None else ops.add(found, shift)
        precision = "float32" if isinstance(layer, IN_FLOAT32) else self.precision
        with AutocastScope(precision):
            found = layer.call(*_cast(args, precision), **_cast(kwargs, precision))
        return found if shift is None else ops.add(found, ops.cast(shift, precision))


Network: TypeAlias = keras.Model | Calls  # what images pass through when nothing is trained


def nodes_of(model: keras.Model) -> list[Any]:
    """The calls of layers that a functional model consists of, from the input on; not those of models that share them.

    Each has an `operation` and `parent_nodes`.
    """
    return [node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]]


def _cast(arguments: Any, precision: str) -> Any:
    """The same, with every tensor of floats in `precision`."""

    def one(value: Any) -> Any:
        floats = hasattr(value, "dtype") and keras.backend.is_float_dtype(value.dtype)
        return ops.cast(value, precision) if floats else value

    return tree.map_structure(one, arguments)
