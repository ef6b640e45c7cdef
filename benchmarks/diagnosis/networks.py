"""Which model does a setup mean? Plain Keras 3, on any backend."""

import keras
import numpy as np

from benchmarks.diagnosis.setups import Setup
from benchmarks.diagnosis.tasks import Task


def build(task: Task, setup: Setup) -> keras.Model:
    """A compiled model, its weights drawn from the setup's seed."""
    keras.utils.set_random_seed(1 + setup.seed)
    shape = task.train[0].shape[1:]
    inputs = keras.Input(shape, dtype="int32" if task.vocabulary else "float32")
    x = inputs
    for index, units in enumerate(setup.units or task.units):
        x = _block(task, setup, x, index, units)
    if task.network == "cnn":
        x = keras.layers.Flatten()(x)
    elif task.network == "conv1d":
        x = keras.layers.GlobalAveragePooling1D()(x)
    units, activation, _ = head(task, setup)
    x = keras.layers.Dense(units, activation=activation, name="head", **_weights(setup, is_head=True))(x)
    model = keras.Model(inputs, x)
    for layer in model.layers:
        if setup.frozen == "all" or (setup.frozen == "hidden" and layer.name != "head"):
            layer.trainable = False
    model.compile(optimizer_of(setup), loss_of(task, setup), metrics=["accuracy"] if task.classes else None)
    return model


def _weights(setup: Setup, is_head: bool = False) -> dict[str, object]:
    """Initializers and regularizer of one layer; a new initializer each time, for one gives the same values again."""
    if setup.init_std is None:
        kernel = keras.initializers.get(setup.initializer)
    else:
        kernel = keras.initializers.RandomNormal(stddev=setup.init_std)
    bias = "zeros" if is_head else keras.initializers.Constant(setup.bias)
    penalty = keras.regularizers.L2(setup.l2) if setup.l2 else None
    return {"kernel_initializer": kernel, "bias_initializer": bias, "kernel_regularizer": penalty}


def _block(task: Task, setup: Setup, x: keras.KerasTensor, index: int, units: int) -> keras.KerasTensor:
    """One hidden layer with what follows it."""
    before, given = x, _weights(setup)
    if task.network == "lstm":
        x = keras.layers.Embedding(task.vocabulary, 8)(x) if index == 0 else x
        last = index + 1 == len(setup.units or task.units)
        x = keras.layers.LSTM(units, return_sequences=not last, **given)(x)
    elif task.network == "cnn":
        x = keras.layers.Conv2D(units, 3, padding="same", **given)(x)
    elif task.network == "conv1d":
        x = keras.layers.Conv1D(units, 5, padding="same", **given)(x)
    else:
        x = keras.layers.Dense(units, **given)(x)
    if setup.batch_norm:
        x = keras.layers.BatchNormalization(momentum=setup.bn_momentum)(x)
    if setup.activation and task.network != "lstm":
        x = keras.layers.Activation(setup.activation)(x)
    if setup.skip and before.shape == x.shape:
        x = keras.layers.Add()([before, x])
    if task.network == "cnn" and index < 2:
        x = keras.layers.MaxPooling2D(2)(x)
    return keras.layers.Dropout(setup.dropout)(x) if setup.dropout else x


def head(task: Task, setup: Setup) -> tuple[int, str, str]:
    """Units, activation and loss of the head: what suits the task, unless the setup says otherwise."""
    if task.classes == 0:
        fitting = (1, "linear", "mean_squared_error")
    elif task.classes == 2:
        fitting = (1, "sigmoid", "binary_crossentropy")
    else:
        fitting = (task.classes, "softmax", "sparse_categorical_crossentropy")
    units, activation, loss = fitting
    if setup.label_smoothing and task.classes > 2:
        loss = "categorical_crossentropy"
    return setup.head_units or units, setup.head_activation or activation, setup.loss or loss


def loss_of(task: Task, setup: Setup) -> keras.losses.Loss | str:
    """The loss that the model is compiled with."""
    name = head(task, setup)[2]
    if setup.climbs:
        inner = keras.losses.get(name)
        return lambda y_true, y_pred: -inner(y_true, y_pred)
    if name == "sparse_categorical_crossentropy":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=setup.from_logits)
    if name == "categorical_crossentropy":
        return keras.losses.CategoricalCrossentropy(
            from_logits=setup.from_logits, label_smoothing=setup.label_smoothing
        )
    if name == "binary_crossentropy":
        return keras.losses.BinaryCrossentropy(from_logits=setup.from_logits, label_smoothing=setup.label_smoothing)
    return name.removesuffix("_of_numbers")


def optimizer_of(setup: Setup) -> keras.optimizers.Optimizer:
    """A fresh optimizer at the rate of the setup."""
    rate, clip = setup.learning_rate, setup.clipnorm
    if setup.optimizer == "adam":
        return keras.optimizers.Adam(rate, global_clipnorm=clip)
    if setup.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate, global_clipnorm=clip)
    momentum = 0.9 if setup.optimizer == "momentum" else 0.0
    return keras.optimizers.SGD(rate, momentum=momentum, global_clipnorm=clip)


def loss_targets(task: Task, setup: Setup, y: np.ndarray) -> np.ndarray:
    """Targets in the form that the loss wants: class numbers, one-hot rows, or a column of floats."""
    name = head(task, setup)[2]
    if name == "sparse_categorical_crossentropy":
        return y.astype(np.int32)
    if task.classes <= 2 or name.endswith("_of_numbers"):
        return y.astype(np.float32)[:, None]
    return np.eye(task.classes, dtype=np.float32)[y]
