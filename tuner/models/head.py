"""What turns features into scores? Hidden layers if asked for, dropout, and one dense layer to the class logits.

The dropout rate is a variable, so that trials which differ in it share one trace, and its mask comes from a
`SeedGenerator`, so that a trial can be repeated. Penalties (l1, l2) are not in the layers: training adds them from
`head_kernels`, with strengths that are variables too.
"""

from typing import Any

import keras
from keras import layers

from tuner.models.drawing import HIDDEN_INITIALIZER
from tuner.models.fresh import leaves
from tuner.models.structure import Classifier


@keras.saving.register_keras_serializable(package="tuner")
class RateDropout(layers.Layer):  # type: ignore[misc]
    """Inverted dropout whose rate can be set between two training steps without a new trace.

    In training a value is kept with probability `1 - rate` and divided by it; otherwise nothing happens.
    `set_rate` checks the new rate; a training loop may as well assign to the variable `rate`, in [0, 1).
    """

    def __init__(
        self,
        rate: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.initial_rate = checked_rate(rate)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        start = keras.initializers.Constant(self.initial_rate)
        self.rate = self.add_weight((), start, dtype="float32", trainable=False, autocast=False, name="rate")
        self.built = True

    def set_rate(self, rate: float) -> None:
        """Drop each value with probability `rate`, in [0, 1), from the next training step on."""
        self.rate.assign(checked_rate(rate))

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The inputs in inference; in training, masked and rescaled. Any shape, which is kept."""
        if not training:
            return inputs
        ops = keras.ops
        rate = ops.convert_to_tensor(self.rate)
        kept = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=self.seed_generator) >= rate
        return inputs * ops.cast(ops.cast(kept, "float32") / (1.0 - rate), inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs; the rate in force is a weight and is saved as one."""
        return {**super().get_config(), "rate": self.initial_rate, "seed": self.seed}


def checked_rate(rate: float) -> float:
    """The rate, if it is one. Raises `ValueError` outside [0, 1)."""
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"a dropout rate lies in [0, 1), not {rate}")
    return float(rate)


def set_dropout(classifier: Classifier, rate: float) -> None:
    """Sets the head's dropout rate, in [0, 1); no new trace. A user's whole classifier keeps its own dropout."""
    for layer in leaves(classifier.model):
        if isinstance(layer, RateDropout):
            layer.set_rate(rate)


def pool(feature_map: Any, pooling: str) -> Any:
    """Feature map `(B, h, w, D)` to features `(B, D)` by `avg` or `max`; features of rank 2 are passed through."""
    if len(feature_map.shape) == 2:
        return feature_map
    layer = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}[pooling]
    return layer(name=f"{pooling}_pooling")(feature_map)


def build_head(
    features: int, num_classes: int, units: tuple[int, ...], initializer: str, dropout: float
) -> keras.Model:
    """Features `(B, features)` to logits `(B, num_classes)`, float32 under any precision.

    `dropout`, in [0, 1), acts just before the last layer; `initializer` is that of the last kernel.
    """
    inputs = x = keras.Input((features,), name="features")
    for place, width in enumerate(units, start=1):
        x = layers.Dense(width, activation="relu", kernel_initializer=HIDDEN_INITIALIZER, name=f"hidden{place}")(x)
    x = RateDropout(dropout, name="dropout")(x)
    x = layers.Dense(num_classes, kernel_initializer=initializer, dtype="float32", name="logits")(x)
    return keras.Model(inputs, x, name="head")


def head_kernels(classifier: Classifier) -> list[Any]:
    """The kernels of the head, first to last: what l1 and l2 act on. Of a user's classifier, its last kernel."""
    if classifier.head is not None:
        return [layer.kernel for layer in classifier.head.layers if hasattr(layer, "kernel")]
    kernels = [layer.kernel for layer in leaves(classifier.model) if hasattr(layer, "kernel")]
    return kernels[-1:]
