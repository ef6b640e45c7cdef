"""Which network does everybody train? The product's backbones, with a dropout-free dense layer, in plain Keras.

Frozen, it follows Keras's own guide to transfer learning. Half or wholly trainable it is the classifier that `tuner`
trains, as one `keras.Model`, so that both train the same layers.

Source: https://keras.io/guides/transfer_learning/
"""

from typing import Any

import keras
from keras import layers

from benchmarks.rivals.task import Task
from benchmarks.rivals.workload import AUGMENTATION, CLASSES, MOMENTUM, Workload, write_recipe


def network(task: Task) -> keras.Model:
    """A new, compiled model for the task: from images (B, H, W, 3) or features (B, D) to logits (B, 10)."""
    if task.regime == "features":
        inputs = keras.Input(task.arrays.x.shape[1:])
        model = keras.Model(inputs, layers.Dense(CLASSES)(inputs))
    elif task.workload.trainable == "none":
        model = frozen(task.workload)
    else:
        model = partly_trainable(task)
    return model


def compiled(model: keras.Model, learning_rate: float) -> keras.Model:
    """The model, ready to fit."""
    model.compile(
        keras.optimizers.SGD(learning_rate, momentum=MOMENTUM),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def trunk(workload: Workload) -> keras.Model:
    """The backbone with its weights: from images to a feature map or to features."""
    from tuner.models import BACKBONES

    shape = (workload.size, workload.size, 3)
    return BACKBONES[workload.backbone].build(shape, workload.weights)


def pooled(feature_map: Any) -> Any:
    """Features (B, D)."""
    return layers.GlobalAveragePooling2D()(feature_map)


def frozen(workload: Workload) -> keras.Model:
    """The guide's model: a frozen backbone called with `training=False`, pooling, a dense layer."""
    backbone = trunk(workload)
    backbone.trainable = False
    inputs = x = keras.Input((workload.size, workload.size, 3))
    for name, arguments in AUGMENTATION if workload.augmented else ():
        x = getattr(layers, name)(**arguments)(x)
    return keras.Model(inputs, layers.Dense(CLASSES)(pooled(backbone(x, training=False))))


def partly_trainable(task: Task) -> keras.Model:
    """The classifier whose upper half, or all of it, trains; batch normalization is held."""
    from tuner import models, recipe

    asked = recipe.load(write_recipe(task.workload, task.warm))
    shape = task.arrays.x.shape[1:]
    return models.build_classifier(asked, CLASSES, shape, models.structure_of(asked.start()), task.seed).model


def fit(task: Task, model: keras.Model, callbacks: tuple[Any, ...] = (), best: bool = True) -> float:
    """Train for the workload's epochs; returns the best epoch's validation accuracy, or the last one's."""
    data = task.arrays
    history = model.fit(
        data.x,
        data.y,
        batch_size=task.workload.batch_size,
        epochs=task.workload.epochs,
        validation_data=(data.x_val, data.y_val),
        verbose=0,
        callbacks=list(callbacks),
    )
    accuracies = history.history["val_accuracy"]
    return float(max(accuracies) if best else accuracies[-1])
