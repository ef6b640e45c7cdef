"""How does a probe get the model as it was before training, compiled alike, to train as it likes?

The copy takes the loss as it is and a fresh optimizer of the same settings; metrics are left out, for somebody's own
need not be ones that can be written down and read back.
"""

from typing import Any

import keras

from tuner.probes import graph


def fresh(subject: Any) -> Any:
    """The same network with newly drawn weights."""
    model = subject.model
    copy = keras.models.clone_model(model)
    if not copy.built:
        copy.build(model.input_shape)
    if subject.loss is not None and subject.optimizer is not None:
        real = getattr(subject.optimizer, "inner_optimizer", subject.optimizer)
        copy.compile(optimizer=type(real).from_config(real.get_config()), loss=subject.loss)
    return copy


def with_weights(subject: Any, weights: Any) -> Any:
    """The same network with the given weights, in the order of `model.weights`."""
    copy = fresh(subject)
    copy.set_weights(list(weights))
    for ours, theirs in zip(copy.layers, subject.model.layers, strict=True):
        ours.trainable = theirs.trainable
    return copy


def starts(subject: Any, draws: int = 1) -> list[Any]:
    """Copies with first weights: the known ones, else new draws; none where weights are pretrained."""
    if subject.initial is not None:
        return [with_weights(subject, subject.initial)]
    if subject.trained is False:
        return [with_weights(subject, subject.model.get_weights())]
    return [] if pretrained(subject.model) else [fresh(subject) for _ in range(draws)]


def pretrained(model: Any) -> bool:
    """Whether weights are held that nobody holds who has just drawn them."""
    return any(layer.weights and not layer.trainable for layer in graph.leaves(model))
