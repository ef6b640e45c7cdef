"""What does a model compute with? The recipe's precision and compiler, in Keras's terms.

The device is chosen before Keras is imported, in `tuner/backend.py`.
`precision: auto` is float32: on a CPU, mixed_bfloat16 is faster for some networks and slower for others (measured).
`jit_compile: auto` is what Keras chooses: yes on JAX and on a GPU, no on a CPU under TensorFlow, where XLA makes
convolutions about ten times slower (measured: MobileNetV2 19 -> 197 ms an image).
"""

import contextlib
from collections.abc import Iterator

import keras

from tuner.recipe import Recipe


def precision(recipe: Recipe) -> str:
    """The name of the dtype policy under which models are built."""
    return "float32" if recipe.runtime.precision == "auto" else str(recipe.runtime.precision)


@contextlib.contextmanager
def building(recipe: Recipe) -> Iterator[None]:
    """Layers made inside have the recipe's precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision(recipe))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
