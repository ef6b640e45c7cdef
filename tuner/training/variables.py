"""What is the value of a Keras variable, as a NumPy array of our own?"""

import keras
import numpy as np


def value_of(variable: keras.Variable) -> np.ndarray:
    """A copy of the value, on every backend. (Given a variable, TensorFlow's `__array__` makes NumPy 2 warn.)"""
    return np.array(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable)))
